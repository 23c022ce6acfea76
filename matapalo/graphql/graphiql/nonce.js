/**
 * Gives every `<style>` made by a script the page's CSP nonce, so that `style-src-elem` needs no 'unsafe-inline'.
 * Monaco makes them as it is imported: this must be the first import.
 */
const { nonce } = document.querySelector('script[nonce]');
const createElement = document.createElement.bind(document);

document.createElement = (name, options) => {
  const element = createElement(name, options);
  if (element instanceof HTMLStyleElement) element.nonce = nonce;
  return element;
};
