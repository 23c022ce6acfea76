/** What stands at the right end of the tab bar: the token field, whom it names, and which client's schema this is. */
import { pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { createElement as h, useState } from 'react';
import { currentToken, keepToken, tokenHolder } from './token.js';

export function Header({ client }) {
  const [holder, setHolder] = useState(tokenHolder);
  const { introspect } = useGraphiQLActions();
  const { schema } = useGraphiQL(pick('schema'));

  const onInput = ({ target }) => {
    keepToken(target.value);
    setHolder(tokenHolder());
  };
  const onKeyDown = ({ key, target }) => key === 'Enter' && target.blur();
  // Where only some may introspect, the schema can be loaded as soon as there is a token.
  const onBlur = () => schema || introspect();

  return h('div', { className: 'matapalo' },
    h('label', null, 'Token',
      h('input', { type: 'password', autoComplete: 'off', placeholder: 'from `matapalo token`', ref: fill, onInput, onKeyDown, onBlur })),
    h('output', { title: 'Whom the token names; the server verifies it' }, holder),
    h('strong', null, `Matapalo · ${client}`));
}

/** Sets the property, not the attribute that React would write: the token is in no serialised page. */
function fill(input) {
  if (input) input.value = currentToken();
}
