/** The shapes of the API: what is checked on the way in, and what its OpenAPI document tells. */
import { Type } from 'typebox'
import { PROVISION_STEPS } from '../../store/session-record.ts'

const MAX_SLOT = 99
const exact = { additionalProperties: false }

export const Id = Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,63}$', description: 'Lower-case letters, digits, - and _' })
export const Region = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,31}$', description: 'Short name of a region, eu-west' })
export const Slot = Type.Integer({ minimum: 0, maximum: MAX_SLOT })
const Label = Type.String({ minLength: 1, maxLength: 64 })
const Ms = Type.Number({ description: 'ms since the epoch' })

export const IdPath = Type.Object({ id: Id })
/** A path holds text: the number is checked as such. */
export const SlotPath = Type.Object({ slot: Type.String({ pattern: '^(0|[1-9][0-9]?)$', description: `0 to ${MAX_SLOT}` }) })

export const Failure = Type.Object({
  error: Type.Object({
    code: Type.String({ description: 'For programs' }),
    message: Type.String({ description: 'For people' }),
    field: Type.Optional(Type.String({ description: 'Where the request is wrong' })),
    requestId: Type.String()
  })
})

export const StartBody = Type.Object({
  slot: Slot,
  region: Type.Optional(Region),
  provider: Type.Optional(Type.Union([Type.Literal('pool'), Type.Literal('own'), Type.Literal('mesh')], { description: 'default: pool' })),
  relayId: Type.Optional(Id)
}, exact)

const Step = Type.Object({
  step: Type.Enum([...PROVISION_STEPS]),
  startedMs: Ms,
  endedMs: Type.Optional(Ms)
})

export const MoveBody = Type.Object({ region: Region }, exact)
const Move = Type.Object({ region: Type.String(), startedMs: Ms, steps: Type.Array(Step) })

const Place = Type.Object({
  instanceId: Type.String(),
  region: Type.String(),
  ingestHost: Type.String(),
  ingestPort: Type.Integer(),
  playHost: Type.String(),
  playPort: Type.Integer()
})

export const Session = Type.Object({
  id: Type.String(),
  slot: Type.Integer(),
  name: Type.String({ description: 'Of the slot: routes to the relay, and never authorises' }),
  hostname: Type.Optional(Type.String({ description: 'The name in DNS: it stays the same for the slot, wherever the relay is' })),
  provider: Type.String(),
  state: Type.Union([Type.Literal('provisioning'), Type.Literal('active'), Type.Literal('releasing'), Type.Literal('ended')]),
  steps: Type.Array(Step),
  place: Type.Optional(Place),
  publishId: Type.String({ description: 'SRT stream id of who sends; a secret' }),
  playId: Type.String({ description: 'SRT stream id of who plays; a secret' }),
  leaseRemainingMs: Type.Number({ description: 'It ends by itself after this, unless it is renewed' }),
  heartbeatMs: Type.Number({ description: 'Renew it this often' }),
  move: Type.Optional(Move),
  moveFailure: Type.Optional(Type.String({ description: 'Why the last move came to nothing' })),
  endReason: Type.Optional(Type.String()),
  failure: Type.Optional(Type.String()),
  createdMs: Ms
})

export const Sessions = Type.Object({ sessions: Type.Array(Session) })

const STREAM_FIELDS = {
  sessionId: Type.String(),
  live: Type.Boolean(),
  bitrateBps: Type.Number(),
  rttMs: Type.Number(),
  lossShare: Type.Number(),
  latencyMs: Type.Number(),
  links: Type.Array(Type.Object({
    address: Type.String(), bytes: Type.Number(), sharePercent: Type.Number(), carrier: Type.Optional(Type.String()), idleMs: Type.Number()
  }))
}
export const StreamFigures = Type.Object({ ...STREAM_FIELDS, instanceId: Type.String({ description: 'Where it is now' }) })

export const NodeFigures = Type.Object({
  bootId: Type.String(),
  draining: Type.Boolean(),
  cpuShare: Type.Number(),
  memoryShare: Type.Number(),
  bytes: Type.Number({ description: 'In and out since its process started' }),
  lossShare: Type.Number(),
  streams: Type.Array(Type.Object(STREAM_FIELDS))
})

export const LabelBody = Type.Object({ label: Label }, exact)
export const SlotView = Type.Object({
  slot: Type.Integer(), label: Type.String(), name: Type.String(), hostname: Type.Optional(Type.String()), createdMs: Ms
})
export const Slots = Type.Object({ slots: Type.Array(SlotView) })

const Address = Type.Object({
  host: Type.String({ pattern: '^[A-Za-z0-9:.-]{1,253}$', description: 'An address, or a name that has one' }),
  port: Type.Integer({ minimum: 1, maximum: 65_535 })
}, exact)

const NODE_FIELDS = {
  region: Region,
  ingest: Address,
  play: Address,
  manageUrl: Type.Optional(Type.String({ pattern: '^https?://[^\\s/?#]+$', maxLength: 300, description: 'https://192.0.2.1:3000' })),
  manageKey: Type.Optional(Type.String({ pattern: '^[!-~]{32,200}$' }))
}
/** No bytes of a month, no places: a relay of one's own is not assigned by anybody. With where it is managed it is watched. */
export const RelayBody = Type.Object(NODE_FIELDS, exact)
export const NodeBody = Type.Object({
  ...NODE_FIELDS,
  capacity: Type.Integer({ minimum: 1, maximum: 100_000, description: 'Streams at once' }),
  monthLimitBytes: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }))
}, exact)
export const RelayView = Type.Object({ id: Type.String(), region: Type.String(), ingest: Address, play: Address })
export const Relays = Type.Object({ relays: Type.Array(RelayView) })

export const NodeView = Type.Object({
  ...RelayView.properties,
  capacity: Type.Integer(),
  used: Type.Integer(),
  state: Type.String(),
  health: Type.Number(),
  whyNotPicked: Type.Optional(Type.String()),
  monthBytes: Type.Number(),
  monthLimitBytes: Type.Optional(Type.Number()),
  budget: Type.String(),
  safeBps: Type.Optional(Type.Number({ description: 'What may flow on average to the end of the month, bit/s' })),
  seenMs: Type.Optional(Ms)
})
export const Nodes = Type.Object({ nodes: Type.Array(NodeView) })

export const Scope = Type.Union([Type.Literal('sessions'), Type.Literal('nodes'), Type.Literal('keys'), Type.Literal('metrics')])
export const KeyBody = Type.Object({
  scopes: Type.Array(Scope, { minItems: 1, maxItems: 4, uniqueItems: true }),
  userId: Type.Optional(Id),
  maxActive: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, description: 'Sessions that the user may have at once' }))
}, exact)
const KEY_FIELDS = { id: Type.String(), scopes: Type.Array(Type.String()), userId: Type.Optional(Type.String()), createdMs: Ms }
export const KeyView = Type.Object(KEY_FIELDS)
export const NewKey = Type.Object({ ...KEY_FIELDS, key: Type.String({ description: 'Shown once: only its hash is kept' }) })
export const Keys = Type.Object({ keys: Type.Array(KeyView) })
