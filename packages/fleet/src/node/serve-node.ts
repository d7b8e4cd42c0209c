/** The HTTP face of a relay node, for its control plane alone: who has not its key, or comes from elsewhere, learns nothing. */
import { BlockList, isIPv6 } from 'node:net'
import { Type } from 'typebox'
import { NodeRefusedError } from '../agent/node-agent.ts'
import { bearerKey, hashOf, isSameHash } from './http/bearer-key.ts'
import { HttpFailure } from './http/http-failure.ts'
import { httpServer, listen } from './http/http-server.ts'
import type { NodeAgent, NodeRefusal } from '../agent/node-agent.ts'
import type { HttpAddress } from './http/http-server.ts'

export interface ServeNodeInit extends HttpAddress {
  agent: NodeAgent
  /** What the control plane shows; at least 32 characters */
  key: string
  /** Addresses that the control plane comes from; from others nothing is answered, whatever they know @default all */
  allowFrom?: string[]
  /** Told of what went wrong here @default () => {} */
  onProblem?: (error: Error) => void
}

export interface ServedNode {
  url: string
  close (): Promise<void>
}

const MIN_KEY_LENGTH = 32
const STATUS: Record<NodeRefusal, number> = { stale_fence: 409, full: 409, draining: 409, unauthorized: 401, bad_request: 400 }

const SessionPath = Type.Object({ sessionId: Type.String({ pattern: '^[a-z0-9]{1,64}$' }) })
const Fence = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Admit = Type.Object({ streamToken: Type.String({ pattern: '^[a-z0-9]{16,64}$' }), fence: Fence }, { additionalProperties: false })
const Revoke = Type.Object({ fence: Fence }, { additionalProperties: false })
const Drain = Type.Object({ draining: Type.Boolean() }, { additionalProperties: false })

/** @throws {RangeError} when the key is too short @throws {FleetListenError} */
export async function serveNode ({ agent, key, allowFrom, onProblem = () => {}, ...address }: ServeNodeInit): Promise<ServedNode> {
  if (key.length < MIN_KEY_LENGTH) {
    throw new RangeError(`The key of a node has at least ${MIN_KEY_LENGTH} characters`)
  }
  const allowed = allowFrom && addressList(allowFrom)
  const keyHash = hashOf(key)
  const server = httpServer({ onProblem })

  server.addHook('onRequest', async request => {
    const { remoteAddress = '' } = request.socket
    if (allowed !== undefined && !allowed.check(remoteAddress, isIPv6(remoteAddress) ? 'ipv6' : 'ipv4')) {
      throw new HttpFailure(403, 'unauthorized', 'This address is not that of the control plane')
    }
    if (!isSameHash(hashOf(bearerKey(request.headers.authorization) ?? ''), keyHash)) {
      throw new HttpFailure(401, 'unauthorized', 'This node answers its control plane alone', { field: 'header.authorization' })
    }
  })

  server.get('/node/health', async () => await agent.health())
  server.get('/node/statistics', async () => await agent.statistics())
  server.put('/node/streams/:sessionId', { schema: { params: SessionPath, body: Admit } }, async (request, reply) => {
    await refusing(agent.admit({ ...request.params, ...request.body }))
    return await reply.code(204).send()
  })
  server.post('/node/streams/:sessionId/revoke', { schema: { params: SessionPath, body: Revoke } }, async (request, reply) => {
    await refusing(agent.revoke({ ...request.params, ...request.body }))
    return await reply.code(204).send()
  })
  server.post('/node/drain', { schema: { body: Drain } }, async (request, reply) => {
    await agent.drain(request.body.draining)
    return await reply.code(204).send()
  })

  const url = await listen(server, address)
  return { url, close: async () => { await server.close() } }
}

async function refusing (answer: Promise<void>): Promise<void> {
  try {
    await answer
  } catch (error) {
    if (error instanceof NodeRefusedError) {
      throw new HttpFailure(STATUS[error.reason], error.reason, error.message)
    }
    throw error
  }
}

function addressList (addresses: string[]): BlockList {
  const list = new BlockList()
  for (const address of addresses) {
    const [host = '', prefix] = address.split('/')
    const family = isIPv6(host) ? 'ipv6' : 'ipv4'
    if (prefix === undefined) {
      list.addAddress(host, family)
    } else {
      list.addSubnet(host, Number(prefix), family)
    }
  }
  return list
}
