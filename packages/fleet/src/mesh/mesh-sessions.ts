/** Sessions of one user in the mesh, as `FleetClient` asks for them of a control plane: the mesh provisioner does what there a control plane does. */
import { FleetRefusedError } from '../client/fleet-requests.ts'
import { MeshProvisioner } from './mesh-provisioner.ts'
import { slotIdentity } from './slot-identity.ts'
import type { Clock } from '@skein/core'
import type { SessionLeasesEvents } from '@skein/supernode/libp2p'
import type { ConnectionSpec, SessionView } from '../client/fleet-connection.ts'
import type { SessionRequests } from '../client/fleet-requests.ts'
import type { StepTime } from '../store/session-record.ts'
import type { MeshProvisionerInit } from './mesh-provisioner.ts'
import type { SlotIdentity } from './slot-identity.ts'

export interface MeshSessionsInit extends Omit<MeshProvisionerInit, 'onMoved'> {
  /** The user's peer id */
  owner: string
  /** The user's private key, or another secret that stays: names and tokens of slots are drawn from it */
  secret: Uint8Array
  clock: Clock
}

interface Entry {
  spec: ConnectionSpec
  identity: SlotIdentity
  state: 'provisioning' | 'active' | 'ended'
  steps: StepTime[]
  failure?: string
  ending: AbortController
  work: Promise<void>
}

/** The view is here and costs nothing: a move is seen within a second. */
const HEARTBEAT_MS = 1_000
/** Told while there is no lease yet. */
const PROVISIONING_MS = 60_000

export class MeshSessions implements SessionRequests {
  private readonly init: MeshSessionsInit
  private readonly provisioner: MeshProvisioner
  /** A slot has one; `FleetClient` has at most 100 */
  private readonly entries = new Map<string, Entry>()
  private fence = 0

  constructor (init: MeshSessionsInit) {
    this.init = init
    this.provisioner = new MeshProvisioner(init)
    init.leases.addEventListener('session:lost', this.onLost)
  }

  /** Nothing is told any more; what is ready runs out within 5 minutes, and is found again by who starts before. */
  async close (): Promise<void> {
    this.init.leases.removeEventListener('session:lost', this.onLost)
    this.provisioner.close()
    await Promise.all([...this.entries.values()].map(async ({ state, ending, work }) => {
      if (state === 'provisioning') {
        ending.abort(new Error('The client is closed'))
      }
      await work
    }))
  }

  async start (spec: ConnectionSpec): Promise<SessionView> {
    const identity = slotIdentity(this.init.secret, spec.slot)
    const present = this.entries.get(identity.sessionId)
    if (present !== undefined && present.state !== 'ended') {
      return this.view(present)
    }
    await present?.work
    const entry: Entry = { spec, identity, state: 'provisioning', steps: [], ending: new AbortController(), work: Promise.resolve() }
    this.entries.set(identity.sessionId, entry)
    entry.work = this.provision(entry)
    return this.view(entry)
  }

  async session (id: string): Promise<SessionView> {
    const entry = this.entries.get(id)
    if (entry === undefined) {
      throw new FleetRefusedError(404, { code: 'unknown_session', message: `There is no session ${id}` })
    }
    return this.view(entry)
  }

  async heartbeat (id: string): Promise<SessionView> {
    return await this.session(id)
  }

  /** @throws {FleetRefusedError} `move_not_supported`: the mesh moves sessions by itself, within its region */
  async move (): Promise<SessionView> {
    throw new FleetRefusedError(409, { code: 'move_not_supported', message: 'In the mesh a session moves when its super-node leaves' })
  }

  async stop (id: string): Promise<void> {
    const entry = this.entries.get(id)
    if (entry !== undefined) {
      this.entries.delete(id)
      entry.ending.abort(new Error('The session was stopped'))
      await entry.work
      await this.provisioner.deprovision({ sessionId: id, fence: ++this.fence })
    }
  }

  /** Only the super-node sees that. */
  async watch (): Promise<undefined> {
    return undefined
  }

  private async provision (entry: Entry): Promise<void> {
    const { owner } = this.init
    const { spec: { slot, region = '' }, identity, ending: { signal } } = entry
    try {
      await this.provisioner.provision({ ...identity, userId: owner, slot, region, fence: ++this.fence }, {
        signal,
        onProgress: steps => { entry.steps = steps }
      })
      entry.state = 'active'
    } catch (error) {
      entry.state = 'ended'
      entry.failure = (error as Error).message
    }
  }

  private view (entry: Entry): SessionView {
    const { leases, names } = this.init
    const { spec: { slot }, identity: { sessionId, name, streamToken }, state, steps, failure } = entry
    const place = this.provisioner.placeOf(sessionId)
    return {
      id: sessionId,
      slot,
      name,
      ...names?.zone === undefined ? {} : { hostname: `${name}.${names.zone}` },
      // between two super-nodes it has none: the one that is looked for is told when it is there
      state: state === 'active' && place === undefined ? 'provisioning' : state,
      steps,
      ...place === undefined ? {} : { place },
      publishId: `live_${streamToken}`,
      playId: `play_${streamToken}`,
      leaseRemainingMs: state === 'ended' ? 0 : Math.max(PROVISIONING_MS, leases.remainingMs(sessionId)),
      heartbeatMs: HEARTBEAT_MS,
      ...failure === undefined ? {} : { failure }
    }
  }

  private readonly onLost = ({ detail: { session, why } }: SessionLeasesEvents['session:lost']): void => {
    const entry = this.entries.get(session)
    if (entry !== undefined && why === 'overtaken') {
      entry.state = 'ended'
      entry.failure = 'Another process with the same key has taken the session: stop one of them'
    }
  }
}
