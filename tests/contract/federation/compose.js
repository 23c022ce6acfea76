// Composes subgraphs: `node compose.js name=file.graphql …` prints {"errors": [message], "supergraph": SDL or null}.
import { readFileSync } from 'node:fs'
import { composeServices } from '@theguild/federation-composition'
import { parse } from 'graphql'

const services = process.argv.slice(2).map((argument) => {
  const [name, file] = argument.split('=')
  return { name, url: `http://${name}.example`, typeDefs: parse(readFileSync(file, 'utf8')) }
})
const result = composeServices(services)
console.log(JSON.stringify({
  errors: (result.errors ?? []).map((error) => error.message),
  supergraph: result.supergraphSdl ?? null,
}))
