/**
 * The bearer token, in this variable and nowhere else: no storage, no attribute of the page, no URL that stays.
 *
 * It comes from the field in the page's head or, once, from the address: `…/NAME/graphql#token=eyJ…`. A fragment never
 * reaches a server, and it is taken out of the address bar before anything else happens.
 */
const IN_ADDRESS = /^#token=(.+)$/;

let token = takeFromAddress();
// A new fragment does not reload a page by itself; reloading keeps the reading of it in one place.
addEventListener('hashchange', () => IN_ADDRESS.test(location.hash) && location.reload());

function takeFromAddress() {
  const [, found = ''] = IN_ADDRESS.exec(location.hash) ?? [];
  if (found) history.replaceState(null, '', location.pathname + location.search);
  return found; // a JWT needs no escapes
}

export const currentToken = () => token;

/** Keeps what was typed or pasted; a pasted `Bearer ` in front of it is not part of the token. */
export function keepToken(text) {
  token = text.trim().replace(/^bearer\s+/i, '');
}

/** Whom the token names, for people to see which one they use. Nothing is verified here; the server does that. */
export function tokenHolder() {
  if (!token) return 'anonymous';
  try {
    const { sub, tier, role, exp } = JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
    if (exp * 1000 < Date.now()) return `${sub}, expired`;
    return [sub, role === 'customer' ? tier : role].filter(Boolean).join(', ');
  } catch {
    return 'not a JWT';
  }
}
