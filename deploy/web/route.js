// Addresses within the console: #/PAGE/PART/PART?name=value, so that a link shows another person the same.

/** to('explain', 'segment', 8, {collection: 'words'}) */
export function to(page, ...parts) {
  const query = typeof parts.at(-1) === 'object' ? parts.pop() : {};
  const path = [page, ...parts].map((part) => encodeURIComponent(String(part))).join('/');
  return `#/${path}${queryText(query)}`;
}

function queryText(query) {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const each of [value].flat())
      if (each !== '' && each !== undefined && each !== null && each !== false)
        given.append(name, each === true ? '1' : each);
  const text = given.toString();
  return text === '' ? '' : `?${text}`;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // somebody cut a link off in the middle of an escape
  }
}

/** {page, parts, query} of a hash; the overview when there is none. */
export function parse(hash) {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const [page, ...parts] = path.split('/').map(decoded);
  return {page: page || 'overview', parts: parts.filter((part) => part !== ''), query: new URLSearchParams(query)};
}

/** The hash of a route whose query was changed: {name: value}, '' takes one away. */
export function changed(route, values) {
  const query = {};
  for (const name of route.query.keys())
    query[name] = route.query.getAll(name);
  return to(route.page, ...route.parts, {...query, ...values});
}
