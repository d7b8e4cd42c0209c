/** A user's slots, and relays of their own, over HTTP. */
import { Type } from 'typebox'
import { ensureSlot } from '../../session/slot-names.ts'
import { HttpFailure } from '../http/http-failure.ts'
import { SECURED } from './api-parts.ts'
import { Failure, IdPath, LabelBody, RelayBody, Relays, RelayView, SlotPath, Slots, SlotView } from './api-schemas.ts'
import type { Static } from 'typebox'
import type { SlotRecord } from '../../store/fleet-store.ts'
import type { HttpServer } from '../http/http-server.ts'
import type { ApiParts } from './api-parts.ts'

const MAX_OWN_RELAYS = 20

export function slotRoutes (server: HttpServer, { store, names, time, random, user }: ApiParts): void {
  const view = (slot: SlotRecord): Static<typeof SlotView> => ({
    ...slot, hostname: names.zone === undefined ? undefined : `${slot.name}.${names.zone}`
  })
  const slotTags = ['slots']
  const relayTags = ['relays']

  server.get('/v1/slots', {
    schema: { tags: slotTags, security: SECURED, summary: 'Your slots, each with its name', response: { 200: Slots, '4xx': Failure } }
  }, async request => ({ slots: (await store.slots(await user(request))).map(view) }))

  server.put('/v1/slots/:slot', {
    schema: {
      tags: slotTags, security: SECURED, summary: 'Make a slot, or give it another label', params: SlotPath, body: LabelBody,
      response: { 200: SlotView, '4xx': Failure }
    }
  }, async request => {
    const [userId, slot, { label }] = [await user(request), Number(request.params.slot), request.body]
    const record = await ensureSlot(store, random, { userId, slot, label }, time.nowMs())
    if (record.label !== label) {
      await store.labelSlot(userId, slot, label)
    }
    return view({ ...record, label })
  })

  server.delete('/v1/slots/:slot', {
    schema: {
      tags: slotTags, security: SECURED, summary: 'Give a slot and its name up; it must have no session', params: SlotPath,
      response: { 204: Type.Null(), '4xx': Failure }
    }
  }, async (request, reply) => {
    const [userId, slot] = [await user(request), Number(request.params.slot)]
    if (await store.liveSession(userId, slot) !== undefined) {
      throw new HttpFailure(409, 'slot_in_use', 'The slot has a session: stop it first', { field: 'path.slot' })
    }
    const record = await store.slot(userId, slot)
    if (record === undefined) {
      throw new HttpFailure(404, 'unknown_slot', `There is no slot ${slot}`, { field: 'path.slot' })
    }
    // the name first: one that is nobody's any more must not route
    await names.withdraw(record.name)
    await store.removeSlot(userId, slot)
    return await reply.code(204).send(null)
  })

  server.get('/v1/relays', {
    schema: { tags: relayTags, security: SECURED, summary: 'Relays of your own', response: { 200: Relays, '4xx': Failure } }
  }, async request => ({
    relays: (await store.nodes({ owner: await user(request) })).map(({ id, region, ingest, play }) => ({ id, region, ingest, play }))
  }))

  server.put('/v1/relays/:id', {
    schema: {
      tags: relayTags, security: SECURED, summary: 'Register a relay of your own: nothing is set up there', params: IdPath, body: RelayBody,
      response: { 200: RelayView, '4xx': Failure }
    }
  }, async request => {
    const [owner, { id }] = [await user(request), request.params]
    const present = await store.node(id)
    if (present !== undefined && present.owner !== owner) {
      throw new HttpFailure(409, 'id_taken', `The id ${id} is taken: choose another`, { field: 'path.id' })
    }
    if (present === undefined && (await store.nodes({ owner })).length >= MAX_OWN_RELAYS) {
      throw new HttpFailure(409, 'relay_limit', `${MAX_OWN_RELAYS} relays of your own are the most: remove one`, { field: 'path.id' })
    }
    if ((request.body.manageUrl === undefined) !== (request.body.manageKey === undefined)) {
      throw new HttpFailure(400, 'bad_request', 'A relay that is to be watched needs both manageUrl and manageKey',
        { field: request.body.manageUrl === undefined ? 'manageUrl' : 'manageKey' })
    }
    await store.putNode({ id, owner, capacity: 1, ...request.body })
    const { region, ingest, play } = request.body
    return { id, region, ingest, play }
  })

  server.delete('/v1/relays/:id', {
    schema: {
      tags: relayTags, security: SECURED, summary: 'Forget a relay of your own', params: IdPath, response: { 204: Type.Null(), '4xx': Failure }
    }
  }, async (request, reply) => {
    const [owner, { id }] = [await user(request), request.params]
    if ((await store.node(id))?.owner !== owner || !await store.removeNode(id)) {
      throw new HttpFailure(404, 'unknown_relay', `There is no relay ${id} of yours`, { field: 'path.id' })
    }
    return await reply.code(204).send(null)
  })
}
