// Generated from exchange.proto by `node scripts/protobuf.mjs packages/reputation/src/pb/exchange.proto`. Do not edit.
import { decodeMessage, encodeMessage } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface ReceiptOffer {
  receipt: Uint8Array<ArrayBuffer>
}

export const ReceiptOffer = (() => {
  const codec: Pick<Codec<ReceiptOffer, Partial<ReceiptOffer>>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.receipt != null && obj.receipt.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.receipt)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        receipt: new Uint8Array(0)
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.receipt = reader.bytes()
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
    encode: (obj: Partial<ReceiptOffer>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ReceiptOffer>): ReceiptOffer => decodeMessage(buf, codec, opts)
  }
})()

export interface ReceiptAnswer {
  receipt: Uint8Array<ArrayBuffer>
  refusal: string
  retryAfterMs: number
}

export const ReceiptAnswer = (() => {
  const codec: Pick<Codec<ReceiptAnswer, Partial<ReceiptAnswer>>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.receipt != null && obj.receipt.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.receipt)
      }

      if ((obj.refusal != null && obj.refusal !== '')) {
        w.uint32(18)
        w.string(obj.refusal)
      }

      if ((obj.retryAfterMs != null && obj.retryAfterMs !== 0)) {
        w.uint32(24)
        w.uint32(obj.retryAfterMs)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        receipt: new Uint8Array(0),
        refusal: '',
        retryAfterMs: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.receipt = reader.bytes()
            break
          }
          case 2: {
            obj.refusal = reader.string()
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
    encode: (obj: Partial<ReceiptAnswer>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ReceiptAnswer>): ReceiptAnswer => decodeMessage(buf, codec, opts)
  }
})()
