/**
 * Sends what GraphiQL runs: queries and mutations by POST, subscriptions over SSE (a connection each, GraphQL over SSE
 * "distinct connections mode"). Headers typed into the header editor win over those added here.
 */
import { getOperationAST, parse } from 'graphql';
import { createClient } from 'graphql-sse';
import { currentToken } from './token.js';

export function fetcherFor(endpoint) {
  return (request, { headers: typed } = {}) => {
    const operation = operationMeant(request);
    const sent = requestHeaders(operation?.operation, typed);
    const params = { ...request, operationName: operation?.name?.value };
    return operation?.operation === 'subscription' ? subscribe(endpoint, params, sent) : post(endpoint, params, sent);
  };
}

/**
 * The operation to run: the one of that name, or the only one there is (GraphiQL's idea of the name lags behind fast
 * typing). Undefined when the text does not parse or leaves the choice open: the server's error says it best.
 */
function operationMeant({ query, operationName }) {
  try {
    const document = parse(query, { noLocation: true });
    return getOperationAST(document, operationName) ?? getOperationAST(document) ?? undefined;
  } catch {
    return undefined;
  }
}

function requestHeaders(kind, typed) {
  const headers = new Headers({ 'X-Client-Name': 'graphiql' });
  if (currentToken()) headers.set('Authorization', `Bearer ${currentToken()}`);
  if (kind === 'mutation') headers.set('Idempotency-Key', freshKey());
  for (const [name, value] of Object.entries(typed ?? {})) headers.set(name, value);
  return headers;
}

/** 128 random bits in hex. (`crypto.randomUUID` exists only on https and on loopback.) */
function freshKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function post(endpoint, request, headers) {
  headers.set('Accept', 'application/graphql-response+json, application/json');
  headers.set('Content-Type', 'application/json');
  return readResult(await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify(request) }));
}

function subscribe(endpoint, request, headers) {
  const client = createClient({ url: endpoint, headers: Object.fromEntries(headers), retryAttempts: 0 });
  const events = client.iterate(request);
  // Not an async generator: its return() would wait for the next event, and the stop button with it.
  return {
    next: () => events.next().catch(refusedResult),
    return: () => events.return(),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** A subscription refused before its first event was answered like a query: that answer is its one result. */
async function refusedResult(error) {
  if (!error.response) throw error;
  return { done: false, value: await readResult(error.response) };
}

/** The GraphQL result in an answer; for anything else (a proxy's error page) an error that quotes it. */
async function readResult(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text);
  } catch {
    return { errors: [{ message: `HTTP ${answer.status}, and no GraphQL result: ${text.slice(0, 500) || '(empty)'}` }] };
  }
}
