// Generated from exchange.proto by `node scripts/protobuf.mjs packages/reputation/src/pb/exchange.proto`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface ReceiptOffer {
  receipt: Uint8Array<ArrayBuffer>
  question?: ReceiptQuestion
}

export const ReceiptOffer = (() => {
  const codec: Pick<Codec<ReceiptOffer>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.receipt != null && obj.receipt.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.receipt)
      }

      if (obj.question != null) {
        w.uint32(18)
        ReceiptQuestion.codec().encode(obj.question, w)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
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
          case 2: {
            obj.question = ReceiptQuestion.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.question
            })
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

export interface ReceiptQuestion {
  maxReceipts: number
}

export const ReceiptQuestion = (() => {
  const codec: Pick<Codec<ReceiptQuestion>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.maxReceipts != null && obj.maxReceipts !== 0)) {
        w.uint32(8)
        w.uint32(obj.maxReceipts)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        maxReceipts: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.maxReceipts = reader.uint32()
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
    encode: (obj: Partial<ReceiptQuestion>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ReceiptQuestion>): ReceiptQuestion => decodeMessage(buf, codec, opts)
  }
})()

export interface ReceiptAnswer {
  receipt: Uint8Array<ArrayBuffer>
  refusal: string
  retryAfterMs: number
  told: ToldReceipt[]
}

export const ReceiptAnswer = (() => {
  const codec: Pick<Codec<ReceiptAnswer>, 'encode' | 'decode'> = {
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

      if (obj.told != null && obj.told.length > 0) {
        for (const value of obj.told) {
          w.uint32(34)
          ToldReceipt.codec().encode(value, w)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        receipt: new Uint8Array(0),
        refusal: '',
        retryAfterMs: 0,
        told: []
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
          case 4: {
            if (opts.limits?.told != null && obj.told.length === opts.limits.told) {
              throw new MaxLengthError('Decode error - repeated field "told" had too many elements')
            }

            obj.told.push(ToldReceipt.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.told$
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
    encode: (obj: Partial<ReceiptAnswer>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ReceiptAnswer>): ReceiptAnswer => decodeMessage(buf, codec, opts)
  }
})()

export interface ToldReceipt {
  byConsumer: Uint8Array<ArrayBuffer>
  byProvider: Uint8Array<ArrayBuffer>
}

export const ToldReceipt = (() => {
  const codec: Pick<Codec<ToldReceipt>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.byConsumer != null && obj.byConsumer.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.byConsumer)
      }

      if ((obj.byProvider != null && obj.byProvider.byteLength > 0)) {
        w.uint32(18)
        w.bytes(obj.byProvider)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        byConsumer: new Uint8Array(0),
        byProvider: new Uint8Array(0)
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.byConsumer = reader.bytes()
            break
          }
          case 2: {
            obj.byProvider = reader.bytes()
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
    encode: (obj: Partial<ToldReceipt>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ToldReceipt>): ToldReceipt => decodeMessage(buf, codec, opts)
  }
})()
