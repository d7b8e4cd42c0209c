// Generated from receipt.proto by `node scripts/protobuf.mjs packages/records/src/pb/receipt.proto`. Do not edit.
import { decodeMessage, encodeMessage } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface ReceiptRecord {
  requestId: Uint8Array<ArrayBuffer>
  kind: number
  provider: Uint8Array<ArrayBuffer>
  consumer: Uint8Array<ArrayBuffer>
  issuedAtMs: number
  lifeMs: number
  outcome: number
  path: number
  durationMs: number
  bytes: number
  model: string
  tokensIn: number
  tokensOut: number
  firstTokenMs?: number
}

export const ReceiptRecord = (() => {
  const codec: Pick<Codec<ReceiptRecord>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.requestId != null && obj.requestId.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.requestId)
      }

      if ((obj.kind != null && obj.kind !== 0)) {
        w.uint32(16)
        w.uint32(obj.kind)
      }

      if ((obj.provider != null && obj.provider.byteLength > 0)) {
        w.uint32(26)
        w.bytes(obj.provider)
      }

      if ((obj.consumer != null && obj.consumer.byteLength > 0)) {
        w.uint32(34)
        w.bytes(obj.consumer)
      }

      if ((obj.issuedAtMs != null && obj.issuedAtMs !== 0)) {
        w.uint32(40)
        w.uint64Number(obj.issuedAtMs)
      }

      if ((obj.lifeMs != null && obj.lifeMs !== 0)) {
        w.uint32(48)
        w.uint32(obj.lifeMs)
      }

      if ((obj.outcome != null && obj.outcome !== 0)) {
        w.uint32(56)
        w.uint32(obj.outcome)
      }

      if ((obj.path != null && obj.path !== 0)) {
        w.uint32(64)
        w.uint32(obj.path)
      }

      if ((obj.durationMs != null && obj.durationMs !== 0)) {
        w.uint32(72)
        w.uint32(obj.durationMs)
      }

      if ((obj.bytes != null && obj.bytes !== 0)) {
        w.uint32(80)
        w.uint64Number(obj.bytes)
      }

      if ((obj.model != null && obj.model !== '')) {
        w.uint32(90)
        w.string(obj.model)
      }

      if ((obj.tokensIn != null && obj.tokensIn !== 0)) {
        w.uint32(96)
        w.uint32(obj.tokensIn)
      }

      if ((obj.tokensOut != null && obj.tokensOut !== 0)) {
        w.uint32(104)
        w.uint32(obj.tokensOut)
      }

      if (obj.firstTokenMs != null) {
        w.uint32(112)
        w.uint32(obj.firstTokenMs)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        requestId: new Uint8Array(0),
        kind: 0,
        provider: new Uint8Array(0),
        consumer: new Uint8Array(0),
        issuedAtMs: 0,
        lifeMs: 0,
        outcome: 0,
        path: 0,
        durationMs: 0,
        bytes: 0,
        model: '',
        tokensIn: 0,
        tokensOut: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.requestId = reader.bytes()
            break
          }
          case 2: {
            obj.kind = reader.uint32()
            break
          }
          case 3: {
            obj.provider = reader.bytes()
            break
          }
          case 4: {
            obj.consumer = reader.bytes()
            break
          }
          case 5: {
            obj.issuedAtMs = reader.uint64Number()
            break
          }
          case 6: {
            obj.lifeMs = reader.uint32()
            break
          }
          case 7: {
            obj.outcome = reader.uint32()
            break
          }
          case 8: {
            obj.path = reader.uint32()
            break
          }
          case 9: {
            obj.durationMs = reader.uint32()
            break
          }
          case 10: {
            obj.bytes = reader.uint64Number()
            break
          }
          case 11: {
            obj.model = reader.string()
            break
          }
          case 12: {
            obj.tokensIn = reader.uint32()
            break
          }
          case 13: {
            obj.tokensOut = reader.uint32()
            break
          }
          case 14: {
            obj.firstTokenMs = reader.uint32()
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
    encode: (obj: Partial<ReceiptRecord>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ReceiptRecord>): ReceiptRecord => decodeMessage(buf, codec, opts)
  }
})()
