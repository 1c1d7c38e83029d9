// What can be switched and set: checkers, balance, settings with where they come from, and from which level on is logged.
import {action} from '../actions.js';
import {ask} from '../api.js';
import {h, put, section, state} from '../dom.js';
import {counted} from '../format.js';
import {list} from '../list.js';

export const title = 'Settings';

const does = {
  channel_checker: 'that channels have leaders', segment_checker: 'that segments are loaded and surplus ones released', balance_checker: 'moves: for evenness, and off nodes that are drained or stopping',
  index_checker: 'that copies have the indexes that the catalogue names', leader_checker: 'that leaders route to what is there, and serve the current target',
};
const levels = ['debug', 'info', 'warn', 'error', 'off', 'default'];

/** Long keys may break where their words do. */
const keyText = (key) => h('span', null, key.split(/(?<=\.)|(?<=[a-z])(?=[A-Z])/).map((word, i) => [i > 0 ? h('wbr') : null, word]));

async function inFlight() {
  const {tasks} = await ask('listTasks', {limit: 1_000});
  return tasks.filter((t) => t.end === '');
}

function checkerSwitch(context, c, after) {
  return c.active
    ? action(context, {
      action: 'deactivate-checker', key: c.name, label: 'Deactivate', title: `Deactivate ${c.name}`, danger: true, after,
      look: async () => {
        const running = (await inFlight()).filter((t) => t.proposer === c.name).length;
        return {lines: [`${c.name} proposes nothing until it is activated again, also after a new start of the coordinator. Nobody then sees to it: ${does[c.name] ?? 'what it looks after'}.`,
          running > 0 ? `${counted(running, 'task')} of it in flight ${running === 1 ? 'goes' : 'go'} on.` : 'None of its tasks are in flight.']};
      },
      run: async () => {
        await ask('deactivateChecker', {checker: c.name}, {tried: `deactivating ${c.name}`});
        return `${c.name} proposes nothing until it is activated, over restarts too`;
      },
    })
    : action(context, {
      action: 'activate-checker', key: c.name, label: 'Activate', title: `Activate ${c.name}`, after,
      look: async () => ({lines: [`${c.name} looks at everything once, and proposes again what it finds: ${does[c.name] ?? 'what it looks after'}.`]}),
      run: async () => {
        await ask('activateChecker', {checker: c.name}, {tried: `activating ${c.name}`});
        return `${c.name} proposes again`;
      },
    });
}

function balanceSwitch(context, active, after) {
  return active
    ? action(context, {
      action: 'suspend-balance', key: 'balance', label: 'Suspend', title: 'Suspend balance', danger: true, after,
      look: async () => {
        const moving = (await inFlight()).filter((t) => t.kind.startsWith('move')).length;
        return {lines: ['No moves are proposed any more, not even off stopping or drained nodes, until balance is resumed, also after a new start. Segments and channels of lost nodes are still loaded elsewhere.',
          moving > 0 ? `${counted(moving, 'move')} in flight ${moving === 1 ? 'goes' : 'go'} on.` : 'No moves are in flight.']};
      },
      run: async () => {
        await ask('suspendBalance', {}, {tried: 'suspending balance'});
        return 'no moves are proposed until balance is resumed, over restarts too';
      },
    })
    : action(context, {
      action: 'resume-balance', key: 'balance', label: 'Resume', title: 'Resume balance', after,
      look: async () => {
        const then = await ask('whatIf', {moves: 1}).catch(() => null);
        return {lines: ['Moves are proposed again.', then ? `By the rules of now that would be ${counted(then.total, 'move')} of ${counted(then.rows, 'row')}.` : '']};
      },
      run: async () => {
        await ask('resumeBalance', {}, {tried: 'resuming balance'});
        return 'moves are proposed again';
      },
    });
}

function change(context, now, after) {
  return action(context, {
    action: 'change-setting', key: now().key, label: 'Change', title: `Change ${now().key}`, after,
    look: async () => {
      const s = now();
      return {
        lines: [`${s.meaning}. It is ${s.value || 'empty'}${s.unit ? ` ${s.unit}` : ''} now (origin: ${s.origin}; use: ${s.use}).`,
          s.use === 'active' ? 'The new value counts at once and durably, more than file, environment and flags, until it is reset.'
            : /^active|start/.test(s.use) ? 'The new value is durable and counts from the next start of the coordinator on.' : 'It is kept durably, but nothing in this version reads it.'],
        fields: [/^(true|false)$/.test(s.value) ? {name: 'value', label: 'New value', value: s.value, options: [['true', 'true'], ['false', 'false']]}
          : {name: 'value', label: s.unit ? `New value (${s.unit})` : 'New value', value: s.value}],
      };
    },
    run: async ({value}) => {
      const {configuration} = await ask('alterConfiguration', {key: now().key, value: value.trim()}, {tried: `setting ${now().key} to ${value}`});
      return `${configuration.key} is ${configuration.value}, durably`;
    },
  });
}

function reset(context, now, after) {
  return action(context, {
    action: 'reset-setting', key: now().key, label: 'Reset', title: `Reset ${now().key}`, after,
    look: async () => ({lines: [`What was set at run time (${now().value}) is taken back: then counts what flags, environment or file say, else the default (${now().fallback || 'empty'}).`]}),
    run: async () => {
      const {configuration} = await ask('alterConfiguration', {key: now().key, reset: true}, {tried: `resetting ${now().key}`});
      return `${configuration.key} is ${configuration.value} again (origin: ${configuration.origin})`;
    },
  });
}

function logLevel(context, after) {
  return action(context, {
    action: 'set-log-level', key: 'log', label: 'Change', title: 'Change a level of logs', after,
    look: async () => ({lines: ['From which severity on a kind of actor logs, until the coordinator ends. “default” makes it as all others.'],
      fields: [{name: 'channel', label: 'Kind of actor', value: '', hint: 'empty: all that have none of their own'}, {name: 'level', label: 'Level', value: 'info', options: levels.map((l) => [l, l])}]}),
    run: async ({channel, level}) => {
      await ask('setLogLevel', {channel: channel.trim(), level}, {tried: 'changing a level of logs'});
      return `${channel.trim() || 'everything that has no level of its own'} logs from ${level} on`;
    },
  });
}

export async function show(page, route, context) {
  let again = () => {};
  const after = () => again();
  const unit = (value, s) => (s.unit && value !== '' ? `${value} ${s.unit}` : value);
  const checkers = list(context, {
    name: 'checkers', title: 'Checkers', key: (c) => c.name, prefix: 'checkers-',
    columns: [
      {label: 'Checker', head: true, cell: (c) => c.name},
      {label: 'State', cell: (c) => (c.active ? state('ok', 'active') : state('warn', 'off'))},
      {label: 'Sees to it', cell: (c) => does[c.name] ?? ''},
      {label: '', cell: (c) => checkerSwitch(context, c, after) ?? ''},
    ],
  });
  const balance = h('p');
  const logs = h('p');
  const settings = list(context, {
    name: 'settings', title, caption: 'Settings and where they come from', key: (s) => s.key, order: 'key', text: (s) => `${s.key} ${s.value} ${s.origin} ${s.use} ${s.meaning}`,
    columns: [
      {id: 'key', label: 'Setting', head: true, width: '24%', sort: (s) => s.key, cell: (s) => keyText(s.key)},
      {id: 'value', label: 'Value', width: '12%', sort: (s) => s.value, cell: (s) => (s.value === s.fallback ? unit(s.value, s) : h('strong', null, unit(s.value, s)))},
      {id: 'default', label: 'Default', sort: (s) => s.fallback, cell: (s) => unit(s.fallback, s)},
      {id: 'origin', label: 'Origin', sort: (s) => s.origin, cell: (s) => s.origin},
      {id: 'use', label: 'Use', width: '15%', sort: (s) => s.use, cell: (s) => s.use},
      {id: 'meaning', label: 'Meaning', width: '24%', cell: (s) => s.meaning},
      ...(context.readOnly ? [] : [{label: '', width: '9rem', cell: (s, now) => h('span', {class: 'nowrap'}, change(context, now, after), s.origin === 'run time' ? reset(context, now, after) : null)}]),
    ],
  });
  page.append(h('h1', null, title), h('div', {class: 'pair'}, checkers.element, h('div', null, section('Balance', {}, balance), context.readOnly ? null : section('Levels of logs', {}, logs))), settings.element);
  again = await context.refresh(async () => {
    const [c, b, s, l] = await Promise.all([ask('listCheckers'), ask('checkBalanceStatus'), ask('showConfigurations', {}, {tried: 'reading the settings'}), context.readOnly ? null : ask('setLogLevel', {})]); // it can change something, so a coordinator that only reads refuses it
    checkers.update(c.checkers);
    put(balance, b.active ? state('ok', 'moves are proposed') : state('warn', 'suspended: no moves are proposed, not even off stopping nodes'), ' ', balanceSwitch(context, b.active, after));
    if (l !== null)
      put(logs, l.levels.map((each) => `${each.key || 'all others'}: ${each.value}`).join(', '), ' ', logLevel(context, after));
    settings.update(s.configurations);
  }, {on: (e) => e.kind === 'checkerSwitched' || e.kind === 'settingChanged' || e.kind === 'requestAnswered'});
}
