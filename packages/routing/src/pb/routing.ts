// Generated from routing.proto by `node scripts/protobuf.mjs packages/routing/src/pb/routing.proto`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface RoutingMessage {
  id: number
  find?: FindRequest
  store?: StoreRequest
  found?: FindResponse
  stored?: StoreResponse
  retryAfterMs: number
}

export const RoutingMessage = (() => {
  const codec: Pick<Codec<RoutingMessage>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.id != null && obj.id !== 0)) {
        w.uint32(8)
        w.uint32(obj.id)
      }

      if (obj.find != null) {
        w.uint32(18)
        FindRequest.codec().encode(obj.find, w)
      }

      if (obj.store != null) {
        w.uint32(26)
        StoreRequest.codec().encode(obj.store, w)
      }

      if (obj.found != null) {
        w.uint32(34)
        FindResponse.codec().encode(obj.found, w)
      }

      if (obj.stored != null) {
        w.uint32(42)
        StoreResponse.codec().encode(obj.stored, w)
      }

      if ((obj.retryAfterMs != null && obj.retryAfterMs !== 0)) {
        w.uint32(48)
        w.uint32(obj.retryAfterMs)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        id: 0,
        retryAfterMs: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.id = reader.uint32()
            break
          }
          case 2: {
            obj.find = FindRequest.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.find
            })
            break
          }
          case 3: {
            obj.store = StoreRequest.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.store
            })
            break
          }
          case 4: {
            obj.found = FindResponse.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.found
            })
            break
          }
          case 5: {
            obj.stored = StoreResponse.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.stored
            })
            break
          }
          case 6: {
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
    encode: (obj: Partial<RoutingMessage>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RoutingMessage>): RoutingMessage => decodeMessage(buf, codec, opts)
  }
})()

export interface FindRequest {
  key: Uint8Array<ArrayBuffer>
  limit: number
  closer: number
  model: string
  region: string
  minTier: number
  minContext: number
  task: string
  priceBelow: number
  near: string
  closerTo: Uint8Array<ArrayBuffer>
}

export const FindRequest = (() => {
  const codec: Pick<Codec<FindRequest>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.key != null && obj.key.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.key)
      }

      if ((obj.limit != null && obj.limit !== 0)) {
        w.uint32(16)
        w.uint32(obj.limit)
      }

      if ((obj.closer != null && obj.closer !== 0)) {
        w.uint32(24)
        w.uint32(obj.closer)
      }

      if ((obj.model != null && obj.model !== '')) {
        w.uint32(34)
        w.string(obj.model)
      }

      if ((obj.region != null && obj.region !== '')) {
        w.uint32(42)
        w.string(obj.region)
      }

      if ((obj.minTier != null && obj.minTier !== 0)) {
        w.uint32(48)
        w.uint32(obj.minTier)
      }

      if ((obj.minContext != null && obj.minContext !== 0)) {
        w.uint32(56)
        w.uint32(obj.minContext)
      }

      if ((obj.task != null && obj.task !== '')) {
        w.uint32(66)
        w.string(obj.task)
      }

      if ((obj.priceBelow != null && obj.priceBelow !== 0)) {
        w.uint32(72)
        w.uint64Number(obj.priceBelow)
      }

      if ((obj.near != null && obj.near !== '')) {
        w.uint32(82)
        w.string(obj.near)
      }

      if ((obj.closerTo != null && obj.closerTo.byteLength > 0)) {
        w.uint32(90)
        w.bytes(obj.closerTo)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        key: new Uint8Array(0),
        limit: 0,
        closer: 0,
        model: '',
        region: '',
        minTier: 0,
        minContext: 0,
        task: '',
        priceBelow: 0,
        near: '',
        closerTo: new Uint8Array(0)
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.key = reader.bytes()
            break
          }
          case 2: {
            obj.limit = reader.uint32()
            break
          }
          case 3: {
            obj.closer = reader.uint32()
            break
          }
          case 4: {
            obj.model = reader.string()
            break
          }
          case 5: {
            obj.region = reader.string()
            break
          }
          case 6: {
            obj.minTier = reader.uint32()
            break
          }
          case 7: {
            obj.minContext = reader.uint32()
            break
          }
          case 8: {
            obj.task = reader.string()
            break
          }
          case 9: {
            obj.priceBelow = reader.uint64Number()
            break
          }
          case 10: {
            obj.near = reader.string()
            break
          }
          case 11: {
            obj.closerTo = reader.bytes()
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
    encode: (obj: Partial<FindRequest>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<FindRequest>): FindRequest => decodeMessage(buf, codec, opts)
  }
})()

export interface FindResponse {
  offers: Uint8Array<ArrayBuffer>[]
  closer: Uint8Array<ArrayBuffer>[]
}

export const FindResponse = (() => {
  const codec: Pick<Codec<FindResponse>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if (obj.offers != null && obj.offers.length > 0) {
        for (const value of obj.offers) {
          w.uint32(10)
          w.bytes(value)
        }
      }

      if (obj.closer != null && obj.closer.length > 0) {
        for (const value of obj.closer) {
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
        offers: [],
        closer: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            if (opts.limits?.offers != null && obj.offers.length === opts.limits.offers) {
              throw new MaxLengthError('Decode error - repeated field "offers" had too many elements')
            }

            obj.offers.push(reader.bytes())
            break
          }
          case 2: {
            if (opts.limits?.closer != null && obj.closer.length === opts.limits.closer) {
              throw new MaxLengthError('Decode error - repeated field "closer" had too many elements')
            }

            obj.closer.push(reader.bytes())
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
    encode: (obj: Partial<FindResponse>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<FindResponse>): FindResponse => decodeMessage(buf, codec, opts)
  }
})()

export interface PeerAddresses {
  id: Uint8Array<ArrayBuffer>
  addresses: Uint8Array<ArrayBuffer>[]
}

export const PeerAddresses = (() => {
  const codec: Pick<Codec<PeerAddresses>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.id != null && obj.id.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.id)
      }

      if (obj.addresses != null && obj.addresses.length > 0) {
        for (const value of obj.addresses) {
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
        id: new Uint8Array(0),
        addresses: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.id = reader.bytes()
            break
          }
          case 2: {
            if (opts.limits?.addresses != null && obj.addresses.length === opts.limits.addresses) {
              throw new MaxLengthError('Decode error - repeated field "addresses" had too many elements')
            }

            obj.addresses.push(reader.bytes())
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
    encode: (obj: Partial<PeerAddresses>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PeerAddresses>): PeerAddresses => decodeMessage(buf, codec, opts)
  }
})()

export interface StoreRequest {
  entries: StoreEntry[]
}

export const StoreRequest = (() => {
  const codec: Pick<Codec<StoreRequest>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if (obj.entries != null && obj.entries.length > 0) {
        for (const value of obj.entries) {
          w.uint32(10)
          StoreEntry.codec().encode(value, w)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        entries: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            if (opts.limits?.entries != null && obj.entries.length === opts.limits.entries) {
              throw new MaxLengthError('Decode error - repeated field "entries" had too many elements')
            }

            obj.entries.push(StoreEntry.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.entries$
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
    encode: (obj: Partial<StoreRequest>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<StoreRequest>): StoreRequest => decodeMessage(buf, codec, opts)
  }
})()

export interface StoreEntry {
  envelope: Uint8Array<ArrayBuffer>
  keys: Uint8Array<ArrayBuffer>[]
}

export const StoreEntry = (() => {
  const codec: Pick<Codec<StoreEntry>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.envelope != null && obj.envelope.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.envelope)
      }

      if (obj.keys != null && obj.keys.length > 0) {
        for (const value of obj.keys) {
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
        envelope: new Uint8Array(0),
        keys: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.envelope = reader.bytes()
            break
          }
          case 2: {
            if (opts.limits?.keys != null && obj.keys.length === opts.limits.keys) {
              throw new MaxLengthError('Decode error - repeated field "keys" had too many elements')
            }

            obj.keys.push(reader.bytes())
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
    encode: (obj: Partial<StoreEntry>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<StoreEntry>): StoreEntry => decodeMessage(buf, codec, opts)
  }
})()

export interface StoreResponse {
  results: Uint8Array<ArrayBuffer>
}

export const StoreResponse = (() => {
  const codec: Pick<Codec<StoreResponse>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.results != null && obj.results.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.results)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        results: new Uint8Array(0)
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.results = reader.bytes()
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
    encode: (obj: Partial<StoreResponse>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<StoreResponse>): StoreResponse => decodeMessage(buf, codec, opts)
  }
})()
