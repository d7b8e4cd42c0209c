// Generated from seed.proto by `node scripts/protobuf.mjs packages/records/src/pb/seed.proto`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface SeedRequest {
  capabilities: Uint8Array<ArrayBuffer>
  wantPeers: number
  wantModels: number
  discover?: SeedDiscover
  connections: number
  wantRelays: number
  proofs: SeedProof[]
}

export const SeedRequest = (() => {
  const codec: Pick<Codec<SeedRequest>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.capabilities != null && obj.capabilities.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.capabilities)
      }

      if ((obj.wantPeers != null && obj.wantPeers !== 0)) {
        w.uint32(16)
        w.uint32(obj.wantPeers)
      }

      if ((obj.wantModels != null && obj.wantModels !== 0)) {
        w.uint32(24)
        w.uint32(obj.wantModels)
      }

      if (obj.discover != null) {
        w.uint32(34)
        SeedDiscover.codec().encode(obj.discover, w)
      }

      if ((obj.connections != null && obj.connections !== 0)) {
        w.uint32(64)
        w.uint32(obj.connections)
      }

      if ((obj.wantRelays != null && obj.wantRelays !== 0)) {
        w.uint32(72)
        w.uint32(obj.wantRelays)
      }

      if (obj.proofs != null && obj.proofs.length > 0) {
        for (const value of obj.proofs) {
          w.uint32(82)
          SeedProof.codec().encode(value, w)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        capabilities: new Uint8Array(0),
        wantPeers: 0,
        wantModels: 0,
        connections: 0,
        wantRelays: 0,
        proofs: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.capabilities = reader.bytes()
            break
          }
          case 2: {
            obj.wantPeers = reader.uint32()
            break
          }
          case 3: {
            obj.wantModels = reader.uint32()
            break
          }
          case 4: {
            obj.discover = SeedDiscover.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.discover
            })
            break
          }
          case 8: {
            obj.connections = reader.uint32()
            break
          }
          case 9: {
            obj.wantRelays = reader.uint32()
            break
          }
          case 10: {
            if (opts.limits?.proofs != null && obj.proofs.length === opts.limits.proofs) {
              throw new MaxLengthError('Decode error - repeated field "proofs" had too many elements')
            }

            obj.proofs.push(SeedProof.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.proofs$
            }))
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<SeedRequest>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SeedRequest>): SeedRequest => decodeMessage(buf, codec, opts)
  }
})()

export interface SeedProof {
  rule: string
  parts: Uint8Array<ArrayBuffer>[]
}

export const SeedProof = (() => {
  const codec: Pick<Codec<SeedProof>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.rule != null && obj.rule !== '')) {
        w.uint32(10)
        w.string(obj.rule)
      }

      if (obj.parts != null && obj.parts.length > 0) {
        for (const value of obj.parts) {
          w.uint32(18)
          w.bytes(value)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        rule: '',
        parts: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.rule = reader.string()
            break
          }
          case 2: {
            if (opts.limits?.parts != null && obj.parts.length === opts.limits.parts) {
              throw new MaxLengthError('Decode error - repeated field "parts" had too many elements')
            }

            obj.parts.push(reader.bytes())
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<SeedProof>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SeedProof>): SeedProof => decodeMessage(buf, codec, opts)
  }
})()

export interface SeedResponse {
  refused: string
  message: string
  lifeMs: number
  retryAfterMs: number
  peers: Uint8Array<ArrayBuffer>[]
  models: SeedModel[]
  page?: SeedPage
  relays: Uint8Array<ArrayBuffer>[]
  demands: SeedDemand[]
  timeMs: number
  stun: string[]
}

export const SeedResponse = (() => {
  const codec: Pick<Codec<SeedResponse>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.refused != null && obj.refused !== '')) {
        w.uint32(10)
        w.string(obj.refused)
      }

      if ((obj.message != null && obj.message !== '')) {
        w.uint32(18)
        w.string(obj.message)
      }

      if ((obj.lifeMs != null && obj.lifeMs !== 0)) {
        w.uint32(24)
        w.uint32(obj.lifeMs)
      }

      if ((obj.retryAfterMs != null && obj.retryAfterMs !== 0)) {
        w.uint32(32)
        w.uint32(obj.retryAfterMs)
      }

      if (obj.peers != null && obj.peers.length > 0) {
        for (const value of obj.peers) {
          w.uint32(42)
          w.bytes(value)
        }
      }

      if (obj.models != null && obj.models.length > 0) {
        for (const value of obj.models) {
          w.uint32(50)
          SeedModel.codec().encode(value, w)
        }
      }

      if (obj.page != null) {
        w.uint32(58)
        SeedPage.codec().encode(obj.page, w)
      }

      if (obj.relays != null && obj.relays.length > 0) {
        for (const value of obj.relays) {
          w.uint32(66)
          w.bytes(value)
        }
      }

      if (obj.demands != null && obj.demands.length > 0) {
        for (const value of obj.demands) {
          w.uint32(74)
          SeedDemand.codec().encode(value, w)
        }
      }

      if ((obj.timeMs != null && obj.timeMs !== 0)) {
        w.uint32(80)
        w.uint64Number(obj.timeMs)
      }

      if (obj.stun != null && obj.stun.length > 0) {
        for (const value of obj.stun) {
          w.uint32(90)
          w.string(value)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        refused: '',
        message: '',
        lifeMs: 0,
        retryAfterMs: 0,
        peers: [],
        models: [],
        relays: [],
        demands: [],
        timeMs: 0,
        stun: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.refused = reader.string()
            break
          }
          case 2: {
            obj.message = reader.string()
            break
          }
          case 3: {
            obj.lifeMs = reader.uint32()
            break
          }
          case 4: {
            obj.retryAfterMs = reader.uint32()
            break
          }
          case 5: {
            if (opts.limits?.peers != null && obj.peers.length === opts.limits.peers) {
              throw new MaxLengthError('Decode error - repeated field "peers" had too many elements')
            }

            obj.peers.push(reader.bytes())
            break
          }
          case 6: {
            if (opts.limits?.models != null && obj.models.length === opts.limits.models) {
              throw new MaxLengthError('Decode error - repeated field "models" had too many elements')
            }

            obj.models.push(SeedModel.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.models$
            }))
            break
          }
          case 7: {
            obj.page = SeedPage.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.page
            })
            break
          }
          case 8: {
            if (opts.limits?.relays != null && obj.relays.length === opts.limits.relays) {
              throw new MaxLengthError('Decode error - repeated field "relays" had too many elements')
            }

            obj.relays.push(reader.bytes())
            break
          }
          case 9: {
            if (opts.limits?.demands != null && obj.demands.length === opts.limits.demands) {
              throw new MaxLengthError('Decode error - repeated field "demands" had too many elements')
            }

            obj.demands.push(SeedDemand.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.demands$
            }))
            break
          }
          case 10: {
            obj.timeMs = reader.uint64Number()
            break
          }
          case 11: {
            if (opts.limits?.stun != null && obj.stun.length === opts.limits.stun) {
              throw new MaxLengthError('Decode error - repeated field "stun" had too many elements')
            }

            obj.stun.push(reader.string())
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<SeedResponse>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SeedResponse>): SeedResponse => decodeMessage(buf, codec, opts)
  }
})()

export interface SeedDemand {
  rule: string
  problem: string
  message: string
  where: string
  puzzleBits: number
}

export const SeedDemand = (() => {
  const codec: Pick<Codec<SeedDemand>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.rule != null && obj.rule !== '')) {
        w.uint32(10)
        w.string(obj.rule)
      }

      if ((obj.problem != null && obj.problem !== '')) {
        w.uint32(18)
        w.string(obj.problem)
      }

      if ((obj.message != null && obj.message !== '')) {
        w.uint32(26)
        w.string(obj.message)
      }

      if ((obj.where != null && obj.where !== '')) {
        w.uint32(34)
        w.string(obj.where)
      }

      if ((obj.puzzleBits != null && obj.puzzleBits !== 0)) {
        w.uint32(40)
        w.uint32(obj.puzzleBits)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        rule: '',
        problem: '',
        message: '',
        where: '',
        puzzleBits: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.rule = reader.string()
            break
          }
          case 2: {
            obj.problem = reader.string()
            break
          }
          case 3: {
            obj.message = reader.string()
            break
          }
          case 4: {
            obj.where = reader.string()
            break
          }
          case 5: {
            obj.puzzleBits = reader.uint32()
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<SeedDemand>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SeedDemand>): SeedDemand => decodeMessage(buf, codec, opts)
  }
})()

export interface SeedDiscover {
  model?: string
  minRamBytes?: number
  minVramBytes?: number
  minTier?: number
  region?: string
  task?: string
  minContext?: number
  maxPriceMicros?: number
  limit?: number
  cursor?: Uint8Array<ArrayBuffer>
  near?: string
}

export const SeedDiscover = (() => {
  const codec: Pick<Codec<SeedDiscover>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if (obj.model != null) {
        w.uint32(10)
        w.string(obj.model)
      }

      if (obj.minRamBytes != null) {
        w.uint32(16)
        w.uint64Number(obj.minRamBytes)
      }

      if (obj.minVramBytes != null) {
        w.uint32(24)
        w.uint64Number(obj.minVramBytes)
      }

      if (obj.minTier != null) {
        w.uint32(32)
        w.uint32(obj.minTier)
      }

      if (obj.region != null) {
        w.uint32(42)
        w.string(obj.region)
      }

      if (obj.task != null) {
        w.uint32(50)
        w.string(obj.task)
      }

      if (obj.minContext != null) {
        w.uint32(56)
        w.uint32(obj.minContext)
      }

      if (obj.maxPriceMicros != null) {
        w.uint32(64)
        w.uint64Number(obj.maxPriceMicros)
      }

      if (obj.limit != null) {
        w.uint32(72)
        w.uint32(obj.limit)
      }

      if (obj.cursor != null) {
        w.uint32(82)
        w.bytes(obj.cursor)
      }

      if (obj.near != null) {
        w.uint32(90)
        w.string(obj.near)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {}

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.model = reader.string()
            break
          }
          case 2: {
            obj.minRamBytes = reader.uint64Number()
            break
          }
          case 3: {
            obj.minVramBytes = reader.uint64Number()
            break
          }
          case 4: {
            obj.minTier = reader.uint32()
            break
          }
          case 5: {
            obj.region = reader.string()
            break
          }
          case 6: {
            obj.task = reader.string()
            break
          }
          case 7: {
            obj.minContext = reader.uint32()
            break
          }
          case 8: {
            obj.maxPriceMicros = reader.uint64Number()
            break
          }
          case 9: {
            obj.limit = reader.uint32()
            break
          }
          case 10: {
            obj.cursor = reader.bytes()
            break
          }
          case 11: {
            obj.near = reader.string()
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<SeedDiscover>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SeedDiscover>): SeedDiscover => decodeMessage(buf, codec, opts)
  }
})()

export interface SeedPage {
  peers: Uint8Array<ArrayBuffer>[]
  cursor: Uint8Array<ArrayBuffer>
  refused: string
  message: string
  retryAfterMs: number
}

export const SeedPage = (() => {
  const codec: Pick<Codec<SeedPage>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if (obj.peers != null && obj.peers.length > 0) {
        for (const value of obj.peers) {
          w.uint32(10)
          w.bytes(value)
        }
      }

      if ((obj.cursor != null && obj.cursor.byteLength > 0)) {
        w.uint32(18)
        w.bytes(obj.cursor)
      }

      if ((obj.refused != null && obj.refused !== '')) {
        w.uint32(26)
        w.string(obj.refused)
      }

      if ((obj.message != null && obj.message !== '')) {
        w.uint32(34)
        w.string(obj.message)
      }

      if ((obj.retryAfterMs != null && obj.retryAfterMs !== 0)) {
        w.uint32(40)
        w.uint32(obj.retryAfterMs)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        peers: [],
        cursor: new Uint8Array(0),
        refused: '',
        message: '',
        retryAfterMs: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            if (opts.limits?.peers != null && obj.peers.length === opts.limits.peers) {
              throw new MaxLengthError('Decode error - repeated field "peers" had too many elements')
            }

            obj.peers.push(reader.bytes())
            break
          }
          case 2: {
            obj.cursor = reader.bytes()
            break
          }
          case 3: {
            obj.refused = reader.string()
            break
          }
          case 4: {
            obj.message = reader.string()
            break
          }
          case 5: {
            obj.retryAfterMs = reader.uint32()
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<SeedPage>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SeedPage>): SeedPage => decodeMessage(buf, codec, opts)
  }
})()

export interface SeedModel {
  id: string
  providers: number
  regions: string[]
}

export const SeedModel = (() => {
  const codec: Pick<Codec<SeedModel>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.id != null && obj.id !== '')) {
        w.uint32(10)
        w.string(obj.id)
      }

      if ((obj.providers != null && obj.providers !== 0)) {
        w.uint32(16)
        w.uint32(obj.providers)
      }

      if (obj.regions != null && obj.regions.length > 0) {
        for (const value of obj.regions) {
          w.uint32(26)
          w.string(value)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        id: '',
        providers: 0,
        regions: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.id = reader.string()
            break
          }
          case 2: {
            obj.providers = reader.uint32()
            break
          }
          case 3: {
            if (opts.limits?.regions != null && obj.regions.length === opts.limits.regions) {
              throw new MaxLengthError('Decode error - repeated field "regions" had too many elements')
            }

            obj.regions.push(reader.string())
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<SeedModel>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SeedModel>): SeedModel => decodeMessage(buf, codec, opts)
  }
})()
