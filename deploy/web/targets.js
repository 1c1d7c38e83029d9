// Joins what catalogue, targets and nodes say of the segments of a collection.

/** One row a segment, whoever knows of it. `targetsRead`: of a very large collection targets are not read; current and next are null then, too. */
export function joinSegments({catalogue, held, current, next, partitions, targetsRead}) {
  const all = new Map();
  const row = (id) => {
    if (!all.has(id))
      all.set(id, {id, channel: '', partition: '', rows: '0', bytes: '0', index: '', nodes: [], scopes: []});
    return all.get(id);
  };
  for (const [scope, target] of [['current', current], ['next', next]])
    for (const s of target?.segments ?? []) {
      const into = row(s.segment_id);
      into.scopes.push(scope);
      Object.assign(into, {channel: s.channel, partition: s.partition_id, rows: s.num_of_rows, bytes: s.mem_size});
    }
  for (const s of catalogue)
    Object.assign(row(s.id), {channel: s.channel, partition: s.partitionId, rows: s.rows, bytes: s.bytes, index: s.indexKind});
  for (const s of held) {
    Object.assign(row(s.id), {channel: s.channel, partition: s.partitionId, rows: s.rows, bytes: s.bytes, index: s.index, nodes: s.nodes});
    if (!targetsRead) // what is told as loaded is of the current one
      row(s.id).scopes.push('current');
  }
  return [...all.values()].map((s) => ({...s, in: s.scopes.join(', '), partition: partitions.get(s.partition) ?? s.partition}));
}

/** Replicas in which no node has a segment that a target names, in words; empty: none, or it need not be anywhere. */
export function lackOf(segment, replicas) {
  if (segment.in === '' && segment.nodes.length === 0)
    return replicas.length > 0 ? 'in no target' : 'not loaded';
  const without = replicas.filter((r) => ![...r.nodes, ...r.readOnlyNodes].some((id) => segment.nodes.includes(id)));
  if (segment.in === '' || without.length === 0)
    return '';
  return `missing in replica ${without.map((r) => r.id).join(', ')}`;
}

/** The current and the next target as rows; the next with how much of it is there. */
export function targetRows(collection, current, next, segments, replicas) {
  const rows = [];
  const sum = (target) => target.segments.reduce((total, s) => total + Number(s.num_of_rows), 0);
  if (collection.currentVersion !== '0')
    rows.push({scope: 'current', version: collection.currentVersion, segments: current ? current.segments.length : collection.segments, rows: current ? sum(current) : collection.rows,
      channels: current ? current.dm_channels.length : collection.channels.length, kind: collection.queryable ? 'ok' : 'bad', state: collection.queryable ? 'searched' : 'cannot be searched'});
  if (collection.nextVersion !== '0') {
    const coming = segments.filter((s) => s.scopes.includes('next'));
    const there = coming.filter((s) => s.nodes.length > 0 && lackOf(s, replicas) === '').length;
    rows.push({scope: 'next', version: collection.nextVersion, segments: next ? next.segments.length : collection.segments, rows: next ? sum(next) : collection.rows,
      channels: next ? next.dm_channels.length : collection.channels.length, kind: 'busy', state: next ? `coming: ${there} of ${coming.length} segments are in every replica` : 'coming'});
  }
  return rows;
}
