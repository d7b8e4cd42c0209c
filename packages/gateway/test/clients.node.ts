import { openAIFetch } from '@skein/peer/openai'
import { createGateway } from '../src/index.ts'
import { clientScenarios } from './client-scenarios.ts'
import { callerOf, ScriptedBackend } from './scripted-backend.ts'

clientScenarios('a gateway', async () => {
  const backend = new ScriptedBackend()
  const gateway = await createGateway({ caller: callerOf(backend), port: 0, apiKeys: ['other', 'key'] })

  return { baseURL: gateway.baseURL, backend, apiKey: 'key', stop: async () => { await gateway.stop({ drainMs: 0 }) } }
})

clientScenarios('a fetch without a server', async () => {
  const backend = new ScriptedBackend()

  return { baseURL: 'http://skein/v1', backend, fetch: openAIFetch(callerOf(backend)), stop: async () => {} }
})
