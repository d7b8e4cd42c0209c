// Generated from lease-exchange.proto by `node scripts/protobuf.mjs packages/supernode/src/pb/lease-exchange.proto`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface LeaseQuestion {
  region: string
  session?: SessionQuestion
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

      if (obj.session != null) {
        w.uint32(18)
        SessionQuestion.codec().encode(obj.session, w)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
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
          case 2: {
            obj.session = SessionQuestion.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.session
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
    encode: (obj: Partial<LeaseQuestion>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<LeaseQuestion>): LeaseQuestion => decodeMessage(buf, codec, opts)
  }
})()

export interface LeaseAnswer {
  leases: Uint8Array<ArrayBuffer>[]
  peers: number
  refusal: string
  retryAfterMs: number
  session?: SessionAnswer
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

      if (obj.session != null) {
        w.uint32(42)
        SessionAnswer.codec().encode(obj.session, w)
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
          case 5: {
            obj.session = SessionAnswer.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.session
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
    encode: (obj: Partial<LeaseAnswer>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<LeaseAnswer>): LeaseAnswer => decodeMessage(buf, codec, opts)
  }
})()

export interface SessionQuestion {
  action: string
  session: string
  fence: number
  streamToken: string
}

export const SessionQuestion = (() => {
  const codec: Pick<Codec<SessionQuestion>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.action != null && obj.action !== '')) {
        w.uint32(10)
        w.string(obj.action)
      }

      if ((obj.session != null && obj.session !== '')) {
        w.uint32(18)
        w.string(obj.session)
      }

      if ((obj.fence != null && obj.fence !== 0)) {
        w.uint32(24)
        w.uint64Number(obj.fence)
      }

      if ((obj.streamToken != null && obj.streamToken !== '')) {
        w.uint32(34)
        w.string(obj.streamToken)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        action: '',
        session: '',
        fence: 0,
        streamToken: ''
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.action = reader.string()
            break
          }
          case 2: {
            obj.session = reader.string()
            break
          }
          case 3: {
            obj.fence = reader.uint64Number()
            break
          }
          case 4: {
            obj.streamToken = reader.string()
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
    encode: (obj: Partial<SessionQuestion>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SessionQuestion>): SessionQuestion => decodeMessage(buf, codec, opts)
  }
})()

export interface SessionAnswer {
  lease: Uint8Array<ArrayBuffer>
  refusal: string
  retryAfterMs: number
  leaving: boolean
}

export const SessionAnswer = (() => {
  const codec: Pick<Codec<SessionAnswer>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.lease != null && obj.lease.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.lease)
      }

      if ((obj.refusal != null && obj.refusal !== '')) {
        w.uint32(18)
        w.string(obj.refusal)
      }

      if ((obj.retryAfterMs != null && obj.retryAfterMs !== 0)) {
        w.uint32(24)
        w.uint32(obj.retryAfterMs)
      }

      if ((obj.leaving != null && obj.leaving !== false)) {
        w.uint32(32)
        w.bool(obj.leaving)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        lease: new Uint8Array(0),
        refusal: '',
        retryAfterMs: 0,
        leaving: false
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.lease = reader.bytes()
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
            obj.leaving = reader.bool()
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
    encode: (obj: Partial<SessionAnswer>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SessionAnswer>): SessionAnswer => decodeMessage(buf, codec, opts)
  }
})()
