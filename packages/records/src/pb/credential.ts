// Generated from credential.proto by `node scripts/protobuf.mjs packages/records/src/pb/credential.proto`. Do not edit.
import { decodeMessage, encodeMessage } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface CredentialRecord {
  id: Uint8Array<ArrayBuffer>
  subject: Uint8Array<ArrayBuffer>
  issuedAtMs: number
  lifeMs: number
  note: string
}

export const CredentialRecord = (() => {
  const codec: Pick<Codec<CredentialRecord>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.id != null && obj.id.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.id)
      }

      if ((obj.subject != null && obj.subject.byteLength > 0)) {
        w.uint32(18)
        w.bytes(obj.subject)
      }

      if ((obj.issuedAtMs != null && obj.issuedAtMs !== 0)) {
        w.uint32(24)
        w.uint64Number(obj.issuedAtMs)
      }

      if ((obj.lifeMs != null && obj.lifeMs !== 0)) {
        w.uint32(32)
        w.uint64Number(obj.lifeMs)
      }

      if ((obj.note != null && obj.note !== '')) {
        w.uint32(42)
        w.string(obj.note)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        id: new Uint8Array(0),
        subject: new Uint8Array(0),
        issuedAtMs: 0,
        lifeMs: 0,
        note: ''
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
            obj.subject = reader.bytes()
            break
          }
          case 3: {
            obj.issuedAtMs = reader.uint64Number()
            break
          }
          case 4: {
            obj.lifeMs = reader.uint64Number()
            break
          }
          case 5: {
            obj.note = reader.string()
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
    encode: (obj: Partial<CredentialRecord>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CredentialRecord>): CredentialRecord => decodeMessage(buf, codec, opts)
  }
})()
