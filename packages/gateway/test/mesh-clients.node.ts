import { createPeer } from '@skein/peer'
import { createSeed } from '@skein/seed'
import { createGateway } from '../src/index.ts'
import { clientScenarios } from './client-scenarios.ts'
import { ScriptedBackend } from './scripted-backend.ts'

/** A real seed and two real peers: one serves, behind the other stands what clients talk to. */
async function startMesh () {
  const backend = new ScriptedBackend()
  const seed = await createSeed({ listen: ['/ip4/127.0.0.1/tcp/0'] })
  const init = { listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: seed.addresses }
  const server = await createPeer(init)
  const { models } = await server.serve(backend)
  while ((await seed.service.models()).length < models.length) {
    await new Promise(resolve => { setTimeout(resolve, 10) }) // the seed hears of them a moment later
  }
  const client = await createPeer(init)
  return { backend, client, stop: async () => { await Promise.all([client.stop(), server.stop(), seed.stop()]) } }
}

clientScenarios('a gateway of a real mesh', async () => {
  const { backend, client, stop } = await startMesh()
  const gateway = await createGateway({ fetch: client.fetch, port: 0, apiKeys: ['other', 'key'] })
  return {
    baseURL: gateway.baseURL,
    backend,
    apiKey: 'key',
    stop: async () => {
      await gateway.stop({ drainMs: 0 })
      await stop()
    }
  }
})

clientScenarios('peer.fetch in a real mesh', async () => {
  const { backend, client, stop } = await startMesh()
  return { baseURL: 'http://skein/v1', backend, fetch: client.fetch, stop }
})
