// Generated from exchange.proto by `node scripts/protobuf.mjs packages/pex/src/pb/exchange.proto`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface ExchangeMessage {
  records: Uint8Array<ArrayBuffer>[]
  wanted: number
  retryAfterMs: number
}

export const ExchangeMessage = (() => {
  const codec: Pick<Codec<ExchangeMessage>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if (obj.records != null && obj.records.length > 0) {
        for (const value of obj.records) {
          w.uint32(10)
          w.bytes(value)
        }
      }

      if ((obj.wanted != null && obj.wanted !== 0)) {
        w.uint32(16)
        w.uint32(obj.wanted)
      }

      if ((obj.retryAfterMs != null && obj.retryAfterMs !== 0)) {
        w.uint32(24)
        w.uint32(obj.retryAfterMs)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        records: [],
        wanted: 0,
        retryAfterMs: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            if (opts.limits?.records != null && obj.records.length === opts.limits.records) {
              throw new MaxLengthError('Decode error - repeated field "records" had too many elements')
            }

            obj.records.push(reader.bytes())
            break
          }
          case 2: {
            obj.wanted = reader.uint32()
            break
          }
          case 3: {
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
    encode: (obj: Partial<ExchangeMessage>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ExchangeMessage>): ExchangeMessage => decodeMessage(buf, codec, opts)
  }
})()

export interface PeerRecordPayload {
  issuedAtMs: number
  lifeMs: number
  addresses: Uint8Array<ArrayBuffer>[]
}

export const PeerRecordPayload = (() => {
  const codec: Pick<Codec<PeerRecordPayload>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.issuedAtMs != null && obj.issuedAtMs !== 0)) {
        w.uint32(8)
        w.uint64Number(obj.issuedAtMs)
      }

      if ((obj.lifeMs != null && obj.lifeMs !== 0)) {
        w.uint32(16)
        w.uint32(obj.lifeMs)
      }

      if (obj.addresses != null && obj.addresses.length > 0) {
        for (const value of obj.addresses) {
          w.uint32(26)
          w.bytes(value)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        issuedAtMs: 0,
        lifeMs: 0,
        addresses: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.issuedAtMs = reader.uint64Number()
            break
          }
          case 2: {
            obj.lifeMs = reader.uint32()
            break
          }
          case 3: {
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
    encode: (obj: Partial<PeerRecordPayload>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PeerRecordPayload>): PeerRecordPayload => decodeMessage(buf, codec, opts)
  }
})()
