// Generated from media.proto by `node scripts/protobuf.mjs packages/media-relay/src/pb/media.proto`. Do not edit.
import { decodeMessage, encodeMessage } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface MediaMessage {
  player: string
  verdict: string
  packet: Uint8Array<ArrayBuffer>
  dropped: number
  publisher: string
  srtlaPort: number
  publisherPort: number
}

export const MediaMessage = (() => {
  const codec: Pick<Codec<MediaMessage>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.player != null && obj.player !== '')) {
        w.uint32(10)
        w.string(obj.player)
      }

      if ((obj.verdict != null && obj.verdict !== '')) {
        w.uint32(18)
        w.string(obj.verdict)
      }

      if ((obj.packet != null && obj.packet.byteLength > 0)) {
        w.uint32(26)
        w.bytes(obj.packet)
      }

      if ((obj.dropped != null && obj.dropped !== 0)) {
        w.uint32(32)
        w.uint32(obj.dropped)
      }

      if ((obj.publisher != null && obj.publisher !== '')) {
        w.uint32(42)
        w.string(obj.publisher)
      }

      if ((obj.srtlaPort != null && obj.srtlaPort !== 0)) {
        w.uint32(48)
        w.uint32(obj.srtlaPort)
      }

      if ((obj.publisherPort != null && obj.publisherPort !== 0)) {
        w.uint32(56)
        w.uint32(obj.publisherPort)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        player: '',
        verdict: '',
        packet: new Uint8Array(0),
        dropped: 0,
        publisher: '',
        srtlaPort: 0,
        publisherPort: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.player = reader.string()
            break
          }
          case 2: {
            obj.verdict = reader.string()
            break
          }
          case 3: {
            obj.packet = reader.bytes()
            break
          }
          case 4: {
            obj.dropped = reader.uint32()
            break
          }
          case 5: {
            obj.publisher = reader.string()
            break
          }
          case 6: {
            obj.srtlaPort = reader.uint32()
            break
          }
          case 7: {
            obj.publisherPort = reader.uint32()
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
    encode: (obj: Partial<MediaMessage>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MediaMessage>): MediaMessage => decodeMessage(buf, codec, opts)
  }
})()
