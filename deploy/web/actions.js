// What changes something: a button, a dialog that says what will happen, and how it came out.
import {sentence} from './api.js';
import {h, put} from './dom.js';

let number = 0;

/** Tells how something came out; stays until the next one or until it is dismissed. */
function tell(kind, text) {
  const outcome = document.getElementById('outcome');
  outcome.hidden = false;
  outcome.dataset.outcome = kind;
  const word = {done: 'Done', refused: 'Refused', running: 'Running'}[kind];
  put(outcome, h('strong', null, word), ` ${text}`, kind === 'running' ? null : h('button', {type: 'button', class: 'quiet', 'aria-label': 'dismiss', onclick: hush}, '✕'));
}

export function hush() {
  const outcome = document.getElementById('outcome');
  outcome.hidden = true;
  outcome.replaceChildren();
}

function input(field) {
  const id = `field-${field.name}-${++number}`;
  const control = field.options
    ? h('select', {id, name: field.name}, field.options.map(([value, text]) => h('option', {value}, text)))
    : h('input', {id, name: field.name, type: 'text', autocomplete: 'off', spellcheck: 'false', value: field.value ?? ''});
  if (field.options && field.value !== undefined)
    control.value = field.value;
  return {control, row: h('p', {class: 'field'}, h('label', {for: id}, field.label), control, field.hint ? h('small', null, field.hint) : null)};
}

/** Asks before it does anything. `look()` gives {lines, fields}: what will happen, and what is to be chosen. */
async function confirm({title, look, confirm: word, run, after, danger}) {
  const id = `dialog-${++number}`;
  const body = h('div', {class: 'what', 'aria-live': 'polite'}, h('p', null, 'Looking at what this would touch…'));
  const yes = h('button', {type: 'button', 'data-act': 'confirm', class: danger ? 'danger' : 'main', disabled: true}, word);
  const no = h('button', {type: 'button', 'data-act': 'cancel'}, 'Cancel');
  const dialog = h('dialog', {'aria-labelledby': id}, h('h2', {id}, title), body, h('div', {class: 'buttons'}, no, yes));
  let controls = [];
  const values = () => Object.fromEntries(controls.map((c) => [c.name, c.value]));

  async function act() {
    const given = values();
    dialog.close();
    tell('running', `${title}…`);
    try {
      tell('done', (await run(given)) ?? title);
    } catch (error) {
      tell('refused', sentence(error));
    }
    after?.();
  }

  no.addEventListener('click', () => dialog.close());
  yes.addEventListener('click', act);
  dialog.addEventListener('close', () => dialog.remove());
  dialog.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.target.tagName === 'INPUT' && !yes.disabled)
      act();
  });
  document.body.append(dialog);
  dialog.showModal();
  no.focus();
  try {
    const {lines = [], fields = []} = await look();
    const made = fields.map(input);
    controls = made.map((each) => each.control);
    put(body, lines.map((line) => h('p', null, line)), made.map((each) => each.row));
    if (!dialog.open)
      return;
    yes.disabled = false;
    (controls[0] ?? (danger ? no : yes)).focus(); // Enter twice should not take anything out of service
  } catch (error) {
    put(body, h('p', null, sentence(error)));
  }
}

/**
 * A button that changes something; nothing at all when the coordinator only reads.
 * {action, key, label, title, look, confirm, run, after, danger}
 */
export function action(context, {action: name, key, label, ...more}) {
  if (context.readOnly)
    return null;
  return h('button', {type: 'button', 'data-action': name, 'data-key': key, 'aria-label': more.title, class: more.danger ? 'quiet danger' : 'quiet', onclick: () => confirm({confirm: label, look: () => ({}), ...more})}, label);
}
