// Generated from lease-exchange.proto by `node scripts/protobuf.mjs packages/supernode/src/pb/lease-exchange.proto`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface LeaseQuestion {
  region: string
}

export const LeaseQuestion = (() => {
  const codec: Pick<Codec<LeaseQuestion>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.region != null && obj.region !== '')) {
        w.uint32(10)
        w.string(obj.region)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        region: ''
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.region = reader.string()
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
    encode: (obj: Partial<LeaseQuestion>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<LeaseQuestion>): LeaseQuestion => decodeMessage(buf, codec, opts)
  }
})()

export interface LeaseAnswer {
  leases: Uint8Array<ArrayBuffer>[]
  peers: number
  refusal: string
  retryAfterMs: number
}

export const LeaseAnswer = (() => {
  const codec: Pick<Codec<LeaseAnswer>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if (obj.leases != null && obj.leases.length > 0) {
        for (const value of obj.leases) {
          w.uint32(10)
          w.bytes(value)
        }
      }

      if ((obj.peers != null && obj.peers !== 0)) {
        w.uint32(16)
        w.uint32(obj.peers)
      }

      if ((obj.refusal != null && obj.refusal !== '')) {
        w.uint32(26)
        w.string(obj.refusal)
      }

      if ((obj.retryAfterMs != null && obj.retryAfterMs !== 0)) {
        w.uint32(32)
        w.uint32(obj.retryAfterMs)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        leases: [],
        peers: 0,
        refusal: '',
        retryAfterMs: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            if (opts.limits?.leases != null && obj.leases.length === opts.limits.leases) {
              throw new MaxLengthError('Decode error - repeated field "leases" had too many elements')
            }

            obj.leases.push(reader.bytes())
            break
          }
          case 2: {
            obj.peers = reader.uint32()
            break
          }
          case 3: {
            obj.refusal = reader.string()
            break
          }
          case 4: {
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
    encode: (obj: Partial<LeaseAnswer>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<LeaseAnswer>): LeaseAnswer => decodeMessage(buf, codec, opts)
  }
})()
