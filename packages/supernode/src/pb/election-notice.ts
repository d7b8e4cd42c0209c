// Generated from election-notice.proto by `node scripts/protobuf.mjs packages/supernode/src/pb/election-notice.proto`. Do not edit.
import { decodeMessage, encodeMessage } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface ElectionNotice {
  candidacy: Uint8Array<ArrayBuffer>
  report: Uint8Array<ArrayBuffer>
  lease: Uint8Array<ArrayBuffer>
}

export const ElectionNotice = (() => {
  const codec: Pick<Codec<ElectionNotice>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.candidacy != null && obj.candidacy.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.candidacy)
      }

      if ((obj.report != null && obj.report.byteLength > 0)) {
        w.uint32(18)
        w.bytes(obj.report)
      }

      if ((obj.lease != null && obj.lease.byteLength > 0)) {
        w.uint32(26)
        w.bytes(obj.lease)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        candidacy: new Uint8Array(0),
        report: new Uint8Array(0),
        lease: new Uint8Array(0)
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.candidacy = reader.bytes()
            break
          }
          case 2: {
            obj.report = reader.bytes()
            break
          }
          case 3: {
            obj.lease = reader.bytes()
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
    encode: (obj: Partial<ElectionNotice>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ElectionNotice>): ElectionNotice => decodeMessage(buf, codec, opts)
  }
})()
