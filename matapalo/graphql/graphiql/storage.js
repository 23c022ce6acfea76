/**
 * What GraphiQL may remember: tabs, history, sizes, theme. Never a request header.
 *
 * GraphiQL's history stores headers, bearer tokens included, even when told not to persist them; hence the filter.
 * Keys carry the endpoint, because the endpoints of all clients share one origin and must not share tabs.
 */
export function storageFor(endpoint, storage = localStorage) {
  const own = `${endpoint} `;
  const ownKeys = () => Object.keys(storage).filter((key) => key.startsWith(own));

  return {
    getItem: (key) => storage.getItem(own + key),
    setItem(key, value) {
      if (/headers$/i.test(key)) return;
      storage.setItem(own + key, EDITOR_TEXT.test(key) ? value : withoutHeaders(value));
    },
    removeItem: (key) => storage.removeItem(own + key),
    clear: () => ownKeys().forEach((key) => storage.removeItem(key)),
    get length() {
      return ownKeys().length;
    },
  };
}

/** Keys whose value is what somebody typed, kept to the letter. All other values are records of GraphiQL's own. */
const EDITOR_TEXT = /:(query|variables)$/;

/** Every `headers` becomes null rather than absent: GraphiQL throws stored tabs away when the property is missing. */
function withoutHeaders(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return text; // a theme, a plugin's title
  }
  return JSON.stringify(value, (name, member) => (name === 'headers' ? null : member));
}
