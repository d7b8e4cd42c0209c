/** The nodes of the pool, and keys, over HTTP: for the operator of the fleet. */
import { Type } from 'typebox'
import { whyNotPicked } from '../../store/pool-node.ts'
import { msToMonthEnd } from '../../session/fleet-time.ts'
import { budgetOf } from '../../watch/node-health.ts'
import { HttpFailure } from '../http/http-failure.ts'
import { issueKey } from './api-keys.ts'
import { SECURED } from './api-parts.ts'
import { Failure, IdPath, KeyBody, Keys, NewKey, NodeBody, NodeFigures, Nodes, NodeView } from './api-schemas.ts'
import type { Static } from 'typebox'
import type { NodeState, PoolNode } from '../../store/pool-node.ts'
import type { HttpServer } from '../http/http-server.ts'
import type { ApiParts } from './api-parts.ts'

const STATE_ACTIONS: Array<{ action: string, state: NodeState, summary: string }> = [
  { action: 'drain', state: 'draining', summary: 'Give a node no more sessions; it keeps those that it has' },
  { action: 'evacuate', state: 'evacuating', summary: 'Give a node no more sessions, and move those that it has to other nodes while they go on' },
  { action: 'resume', state: 'active', summary: 'Give a node sessions again' }
]

export function nodeRoutes (server: HttpServer, parts: ApiParts): void {
  const { store, time, random, admit, drain, statistics } = parts
  const tags = ['nodes']
  const unknown = (id: string): HttpFailure => new HttpFailure(404, 'unknown_node', `There is no node ${id}`, { field: 'path.id' })

  server.get('/v1/nodes', {
    schema: { tags, security: SECURED, summary: 'All nodes, and why one is not picked', response: { 200: Nodes, '4xx': Failure } }
  }, async request => {
    await admit(request, 'nodes')
    return { nodes: (await store.nodes()).filter(({ owner }) => owner === undefined).map(view) }
  })

  server.get('/v1/nodes/:id/statistics', {
    schema: {
      tags, security: SECURED, summary: 'What a node carries: all streams, and the links of each', params: IdPath,
      response: { 200: NodeFigures, '4xx': Failure }
    }
  }, async request => {
    await admit(request, 'nodes')
    const { id } = request.params
    const node = await store.node(id)
    if (node === undefined || node.owner !== undefined) {
      throw unknown(id)
    }
    return await statistics(node).catch(() => {
      throw new HttpFailure(409, 'no_statistics', `Node ${id} does not tell what it carries now`, { field: 'path.id' })
    })
  })

  server.put('/v1/nodes/:id', {
    schema: {
      tags, security: SECURED, summary: 'Add a node, or change it', params: IdPath, body: NodeBody, response: { 200: NodeView, '4xx': Failure }
    }
  }, async request => {
    await admit(request, 'nodes')
    const [{ id }, spec] = [request.params, request.body]
    if ((await store.node(id))?.owner !== undefined) {
      throw new HttpFailure(409, 'id_taken', `The id ${id} is that of a user's relay: choose another`, { field: 'path.id' })
    }
    if (spec.manageUrl === undefined || spec.manageKey === undefined) {
      throw new HttpFailure(400, 'bad_request', 'A node of the pool has to be managed: it needs manageUrl and manageKey',
        { field: spec.manageUrl === undefined ? 'manageUrl' : 'manageKey' })
    }
    await store.putNode({ id, ...spec })
    return view(await store.node(id) as PoolNode)
  })

  for (const { action, state, summary } of STATE_ACTIONS) {
    server.post(`/v1/nodes/:id/${action}`, {
      schema: { tags, security: SECURED, summary, params: IdPath, response: { 200: NodeView, '4xx': Failure } }
    }, async request => {
      await admit(request, 'nodes')
      const { id } = request.params
      if (!await store.setNodeState(id, state)) {
        throw unknown(id)
      }
      const node = await store.node(id) as PoolNode
      // it need not be there: nothing is assigned to it by what is stored
      await drain(node, state !== 'active').catch(() => {})
      return view(node)
    })
  }

  server.delete('/v1/nodes/:id', {
    schema: { tags, security: SECURED, summary: 'Forget a node on which nothing is', params: IdPath, response: { 204: Type.Null(), '4xx': Failure } }
  }, async (request, reply) => {
    await admit(request, 'nodes')
    const { id } = request.params
    const node = await store.node(id)
    if (node === undefined || node.owner !== undefined) {
      throw unknown(id)
    }
    if (!await store.removeNode(id)) {
      throw new HttpFailure(409, 'node_in_use', `Node ${id} has ${node.used} sessions: drain it and wait for them to end, or evacuate it`,
        { field: 'path.id' })
    }
    return await reply.code(204).send(null)
  })

  server.post('/v1/keys', {
    schema: { tags: ['keys'], security: SECURED, summary: 'Make a key', body: KeyBody, response: { 200: NewKey, '4xx': Failure } }
  }, async request => {
    await admit(request, 'keys')
    const { scopes, userId, maxActive } = request.body
    if (scopes.includes('sessions') !== (userId !== undefined)) {
      throw new HttpFailure(400, 'bad_request', 'userId goes with the scope "sessions", and with no other', { field: 'userId' })
    }
    if (userId !== undefined && maxActive !== undefined) {
      await store.putUser({ id: userId, maxActive })
    }
    const { key, record } = await issueKey(store, random, { scopes, userId }, time.nowMs())
    return { ...record, key }
  })

  server.get('/v1/keys', {
    schema: { tags: ['keys'], security: SECURED, summary: 'All keys, without their secrets', response: { 200: Keys, '4xx': Failure } }
  }, async request => {
    await admit(request, 'keys')
    return { keys: await store.keys() }
  })

  server.delete('/v1/keys/:id', {
    schema: { tags: ['keys'], security: SECURED, summary: 'Take a key back', params: IdPath, response: { 204: Type.Null(), '4xx': Failure } }
  }, async (request, reply) => {
    await admit(request, 'keys')
    if (!await store.removeKey(request.params.id)) {
      throw new HttpFailure(404, 'unknown_key', `There is no key ${request.params.id}`, { field: 'path.id' })
    }
    return await reply.code(204).send(null)
  })

  function view (node: PoolNode): Static<typeof NodeView> {
    const { id, region, ingest, play, capacity, used, state, health, monthLimitBytes, seenMs } = node
    const monthBytes = node.month === time.month() ? node.monthBytes : 0
    const budget = budgetOf(monthLimitBytes, monthBytes, msToMonthEnd(time.nowMs()))
    return {
      id, region, ingest, play, capacity, used, state, health, seenMs, monthBytes, monthLimitBytes,
      whyNotPicked: whyNotPicked(node, time.month()), budget: budget.state, safeBps: budget.safeBps
    }
  }
}
