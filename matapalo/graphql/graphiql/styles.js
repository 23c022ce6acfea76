/** The parts' own style sheets; `graphiql/style.css` would add 600 kB of fonts and Monaco a second time. Ours is last. */
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import '@graphiql/plugin-explorer/style.css';
import 'graphiql/graphiql.css';
import './page.css';
