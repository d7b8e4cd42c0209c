/** The switch with which a page serves the built-in model; the model's code and weights are loaded when it is turned on first. */
import { shortName } from './network.ts'
import type { Peer, Service } from '@skein/peer'

interface Parts {
  toggle: HTMLInputElement
  told: HTMLElement
  relay: HTMLElement
  given: HTMLElement
}

export function servingSwitch (peer: Peer, { toggle, told, relay, given }: Parts): void {
  let service: Service | undefined
  const showRelays = (): void => { relay.textContent = peer.relays.map(({ relay }) => shortName(relay)).join(', ') || '–' }
  peer.addEventListener('relay:reserved', showRelays)
  peer.addEventListener('relay:lost', showRelays)

  async function turnOn (): Promise<void> {
    told.textContent = 'Looking for a relay, through which others reach this page…'
    const [{ smokeBackend }] = await Promise.all([import('@skein/smoke-model'), peer.reserveRelay()])
    const backend = smokeBackend()
    service = await peer.serve({
      models: async () => await backend.models(),
      infer: async function * (request, options) {
        yield * backend.infer(request, options)
        given.textContent = String(Number(given.textContent) + 1)
      }
    })
    told.textContent = 'Others can ask this page as long as it is open.'
  }

  async function turnOff (): Promise<void> {
    await service?.stop()
    service = undefined
    told.textContent = 'Others cannot ask this page for anything.'
  }

  toggle.disabled = false
  toggle.addEventListener('change', () => {
    toggle.disabled = true
    const turning = toggle.checked ? turnOn() : turnOff()
    turning.catch((error: Error) => {
      toggle.checked = false
      told.textContent = error.message
    }).finally(() => { toggle.disabled = false })
  })
}
