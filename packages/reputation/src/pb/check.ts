// Generated from check.proto by `node scripts/protobuf.mjs packages/reputation/src/pb/check.proto`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface CheckRequest {
  step: number
  nonce: Uint8Array<ArrayBuffer>
  mebibytes: number
}

export const CheckRequest = (() => {
  const codec: Pick<Codec<CheckRequest>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.step != null && obj.step !== 0)) {
        w.uint32(8)
        w.uint32(obj.step)
      }

      if ((obj.nonce != null && obj.nonce.byteLength > 0)) {
        w.uint32(18)
        w.bytes(obj.nonce)
      }

      if ((obj.mebibytes != null && obj.mebibytes !== 0)) {
        w.uint32(24)
        w.uint32(obj.mebibytes)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        step: 0,
        nonce: new Uint8Array(0),
        mebibytes: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.step = reader.uint32()
            break
          }
          case 2: {
            obj.nonce = reader.bytes()
            break
          }
          case 3: {
            obj.mebibytes = reader.uint32()
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
    encode: (obj: Partial<CheckRequest>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CheckRequest>): CheckRequest => decodeMessage(buf, codec, opts)
  }
})()

export interface CheckAnswer {
  refusal: string
  retryAfterMs: number
  mostMebibytes: number
  commitment: Uint8Array<ArrayBuffer>
  blocks: CheckBlock[]
  segments: CheckSegment[]
}

export const CheckAnswer = (() => {
  const codec: Pick<Codec<CheckAnswer>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.refusal != null && obj.refusal !== '')) {
        w.uint32(10)
        w.string(obj.refusal)
      }

      if ((obj.retryAfterMs != null && obj.retryAfterMs !== 0)) {
        w.uint32(16)
        w.uint32(obj.retryAfterMs)
      }

      if ((obj.mostMebibytes != null && obj.mostMebibytes !== 0)) {
        w.uint32(24)
        w.uint32(obj.mostMebibytes)
      }

      if ((obj.commitment != null && obj.commitment.byteLength > 0)) {
        w.uint32(34)
        w.bytes(obj.commitment)
      }

      if (obj.blocks != null && obj.blocks.length > 0) {
        for (const value of obj.blocks) {
          w.uint32(42)
          CheckBlock.codec().encode(value, w)
        }
      }

      if (obj.segments != null && obj.segments.length > 0) {
        for (const value of obj.segments) {
          w.uint32(50)
          CheckSegment.codec().encode(value, w)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        refusal: '',
        retryAfterMs: 0,
        mostMebibytes: 0,
        commitment: new Uint8Array(0),
        blocks: [],
        segments: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.refusal = reader.string()
            break
          }
          case 2: {
            obj.retryAfterMs = reader.uint32()
            break
          }
          case 3: {
            obj.mostMebibytes = reader.uint32()
            break
          }
          case 4: {
            obj.commitment = reader.bytes()
            break
          }
          case 5: {
            if (opts.limits?.blocks != null && obj.blocks.length === opts.limits.blocks) {
              throw new MaxLengthError('Decode error - repeated field "blocks" had too many elements')
            }

            obj.blocks.push(CheckBlock.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.blocks$
            }))
            break
          }
          case 6: {
            if (opts.limits?.segments != null && obj.segments.length === opts.limits.segments) {
              throw new MaxLengthError('Decode error - repeated field "segments" had too many elements')
            }

            obj.segments.push(CheckSegment.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.segments$
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
    encode: (obj: Partial<CheckAnswer>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CheckAnswer>): CheckAnswer => decodeMessage(buf, codec, opts)
  }
})()

export interface CheckBlock {
  previous: Uint8Array<ArrayBuffer>
  referenced: Uint8Array<ArrayBuffer>
  path: Uint8Array<ArrayBuffer>
  previousPath: Uint8Array<ArrayBuffer>
  referencedPath: Uint8Array<ArrayBuffer>
}

export const CheckBlock = (() => {
  const codec: Pick<Codec<CheckBlock>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.previous != null && obj.previous.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.previous)
      }

      if ((obj.referenced != null && obj.referenced.byteLength > 0)) {
        w.uint32(18)
        w.bytes(obj.referenced)
      }

      if ((obj.path != null && obj.path.byteLength > 0)) {
        w.uint32(26)
        w.bytes(obj.path)
      }

      if ((obj.previousPath != null && obj.previousPath.byteLength > 0)) {
        w.uint32(34)
        w.bytes(obj.previousPath)
      }

      if ((obj.referencedPath != null && obj.referencedPath.byteLength > 0)) {
        w.uint32(42)
        w.bytes(obj.referencedPath)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        previous: new Uint8Array(0),
        referenced: new Uint8Array(0),
        path: new Uint8Array(0),
        previousPath: new Uint8Array(0),
        referencedPath: new Uint8Array(0)
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.previous = reader.bytes()
            break
          }
          case 2: {
            obj.referenced = reader.bytes()
            break
          }
          case 3: {
            obj.path = reader.bytes()
            break
          }
          case 4: {
            obj.previousPath = reader.bytes()
            break
          }
          case 5: {
            obj.referencedPath = reader.bytes()
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
    encode: (obj: Partial<CheckBlock>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CheckBlock>): CheckBlock => decodeMessage(buf, codec, opts)
  }
})()

export interface CheckSegment {
  ends: Uint8Array<ArrayBuffer>
  endsPath: Uint8Array<ArrayBuffer>
  previousEnds: Uint8Array<ArrayBuffer>
  previousEndsPath: Uint8Array<ArrayBuffer>
  blocks: Uint8Array<ArrayBuffer>[]
  paths: Uint8Array<ArrayBuffer>[]
}

export const CheckSegment = (() => {
  const codec: Pick<Codec<CheckSegment>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.ends != null && obj.ends.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.ends)
      }

      if ((obj.endsPath != null && obj.endsPath.byteLength > 0)) {
        w.uint32(18)
        w.bytes(obj.endsPath)
      }

      if ((obj.previousEnds != null && obj.previousEnds.byteLength > 0)) {
        w.uint32(26)
        w.bytes(obj.previousEnds)
      }

      if ((obj.previousEndsPath != null && obj.previousEndsPath.byteLength > 0)) {
        w.uint32(34)
        w.bytes(obj.previousEndsPath)
      }

      if (obj.blocks != null && obj.blocks.length > 0) {
        for (const value of obj.blocks) {
          w.uint32(42)
          w.bytes(value)
        }
      }

      if (obj.paths != null && obj.paths.length > 0) {
        for (const value of obj.paths) {
          w.uint32(50)
          w.bytes(value)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        ends: new Uint8Array(0),
        endsPath: new Uint8Array(0),
        previousEnds: new Uint8Array(0),
        previousEndsPath: new Uint8Array(0),
        blocks: [],
        paths: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.ends = reader.bytes()
            break
          }
          case 2: {
            obj.endsPath = reader.bytes()
            break
          }
          case 3: {
            obj.previousEnds = reader.bytes()
            break
          }
          case 4: {
            obj.previousEndsPath = reader.bytes()
            break
          }
          case 5: {
            if (opts.limits?.blocks != null && obj.blocks.length === opts.limits.blocks) {
              throw new MaxLengthError('Decode error - repeated field "blocks" had too many elements')
            }

            obj.blocks.push(reader.bytes())
            break
          }
          case 6: {
            if (opts.limits?.paths != null && obj.paths.length === opts.limits.paths) {
              throw new MaxLengthError('Decode error - repeated field "paths" had too many elements')
            }

            obj.paths.push(reader.bytes())
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
    encode: (obj: Partial<CheckSegment>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CheckSegment>): CheckSegment => decodeMessage(buf, codec, opts)
  }
})()
