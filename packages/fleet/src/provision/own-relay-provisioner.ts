/** A relay that the user runs: nothing is set up there and nothing taken away; it is watched where it can be. */
import { UnknownRelayError } from './provisioner.ts'
import { placeAt } from './relay-place.ts'
import { TrackedSteps } from './tracked-steps.ts'
import type { Clock } from '@skein/core'
import type { NodeAgent } from '../agent/node-agent.ts'
import type { FleetStore } from '../store/fleet-store.ts'
import type { PoolNode } from '../store/pool-node.ts'
import type { RelayPlace } from '../store/session-record.ts'
import type { NamePublisher, Provisioner, ProvisionOptions, ProvisionRequest } from './provisioner.ts'

export interface OwnRelayProvisionerInit {
  store: FleetStore
  agentOf: (node: PoolNode) => NodeAgent
  names: NamePublisher
  clock: Clock
}

export class OwnRelayProvisioner implements Provisioner {
  private readonly init: OwnRelayProvisionerInit

  constructor (init: OwnRelayProvisionerInit) {
    this.init = init
  }

  async provision (request: ProvisionRequest, options: ProvisionOptions = {}): Promise<RelayPlace> {
    const { store, agentOf, names, clock } = this.init
    const { relayId = '', userId, name } = request
    const steps = new TrackedSteps(clock, options)
    await steps.begin('launching_instance')
    const node = await store.node(relayId)
    if (node === undefined || node.owner !== userId) {
      throw new UnknownRelayError(relayId)
    }
    await steps.begin('waiting_for_instance')
    if (node.manageUrl !== undefined) {
      await agentOf(node).health({ signal: options.signal })
    }
    await steps.begin('admitting_stream')
    await steps.begin('publishing_name')
    await names.publish(name, node.ingest.host, { signal: options.signal })
    await steps.begin('checking_relay')
    await steps.finish()
    return placeAt(node)
  }

  /** What is the user's stays as it is. */
  async deprovision (): Promise<void> {}
}
