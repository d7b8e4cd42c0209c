/** Keeps names in the mesh: a signed record of each at the peers closest to it, renewed for as long as this process runs. */
import { hostAddress, nameModel } from './mesh-name.ts'
import type { ModelRouting } from '@skein/routing/libp2p'
import type { NamePublisher } from '../provision/provisioner.ts'

export interface MeshNamePublisherInit {
  /** `libp2p.services.routing` of a peer: its key signs, so the names are that peer's */
  routing: Pick<ModelRouting, 'announce' | 'withdraw'>
}

/** Nobody holds the record. */
export class NameUnheldError extends Error {
  static override name = 'NameUnheldError'
  override readonly name = 'NameUnheldError'
  readonly meshName: string

  constructor (name: string, options?: ErrorOptions) {
    super(`No peer of the mesh holds the record of ${name}: is this one connected to others?`, options)
    this.meshName = name
  }
}

export class MeshNamePublisher implements NamePublisher {
  private readonly routing: MeshNamePublisherInit['routing']
  /** Those that are announced; the announcer bounds them */
  private readonly pointed = new Map<string, string>()

  constructor ({ routing }: MeshNamePublisherInit) {
    this.routing = routing
  }

  /**
   * Resolves when peers hold it; from then on it is renewed each minute.
   *
   * @throws {NameSyntaxError} when it is no name @throws {RecordError} when it is no host
   * @throws {NameUnheldError} when nobody could be reached
   */
  async publish (name: string, host: string, options: { signal?: AbortSignal } = {}): Promise<void> {
    const model = nameModel(name)
    const address = hostAddress(host)
    if (this.pointed.get(name) === host) {
      return // it is renewed as it is
    }
    this.pointed.set(name, host)
    let stored = 0
    try {
      stored = (await this.routing.announce({ model, tasks: ['name'], region: '', addresses: [address] }, options)).stored
    } catch (error) {
      this.pointed.delete(name)
      throw error
    }
    if (stored === 0) {
      this.pointed.delete(name)
      throw new NameUnheldError(name)
    }
  }

  async withdraw (name: string, options: { signal?: AbortSignal } = {}): Promise<void> {
    if (this.pointed.delete(name)) {
      await this.routing.withdraw(nameModel(name), options)
    }
  }
}
