/** Starts GraphiQL in the page that `bff/endpoint/page.py` renders. */
import './nonce.js';
import './workers.js';
import './styles.js';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL } from 'graphiql';
import { createElement as h } from 'react';
import { createRoot } from 'react-dom/client';
import { fetcherFor } from './fetcher.js';
import { Header } from './header.js';
import { storageFor } from './storage.js';

const place = document.getElementById('graphiql');
const { client, query } = place.dataset;
const endpoint = location.pathname;

createRoot(place).render(
  h(GraphiQL, {
    fetcher: fetcherFor(endpoint),
    storage: storageFor(endpoint),
    defaultQuery: query,
    plugins: [HISTORY_PLUGIN, explorerPlugin()],
    showPersistHeadersSettings: false,
    shouldPersistHeaders: false,
    inputValueDeprecation: true,
    schemaDescription: true,
  }, h(GraphiQL.Logo, null, h(Header, { client }))),
);
