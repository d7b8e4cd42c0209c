// Generated from frame.proto by `node scripts/protobuf.mjs packages/inference/src/pb/frame.proto`. Do not edit.
import { decodeMessage, encodeMessage } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface Frame {
  request?: Request
  head?: Head
  delta?: Delta
  tool?: Tool
  usage?: Usage
  error?: Failure
  end?: End
  credit?: Credit
}

export const Frame = (() => {
  const codec: Pick<Codec<Frame>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if (obj.request != null) {
        w.uint32(10)
        Request.codec().encode(obj.request, w)
      }

      if (obj.head != null) {
        w.uint32(18)
        Head.codec().encode(obj.head, w)
      }

      if (obj.delta != null) {
        w.uint32(26)
        Delta.codec().encode(obj.delta, w)
      }

      if (obj.tool != null) {
        w.uint32(34)
        Tool.codec().encode(obj.tool, w)
      }

      if (obj.usage != null) {
        w.uint32(42)
        Usage.codec().encode(obj.usage, w)
      }

      if (obj.error != null) {
        w.uint32(50)
        Failure.codec().encode(obj.error, w)
      }

      if (obj.end != null) {
        w.uint32(58)
        End.codec().encode(obj.end, w)
      }

      if (obj.credit != null) {
        w.uint32(66)
        Credit.codec().encode(obj.credit, w)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {}

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.request = Request.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.request
            })
            break
          }
          case 2: {
            obj.head = Head.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.head
            })
            break
          }
          case 3: {
            obj.delta = Delta.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.delta
            })
            break
          }
          case 4: {
            obj.tool = Tool.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.tool
            })
            break
          }
          case 5: {
            obj.usage = Usage.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.usage
            })
            break
          }
          case 6: {
            obj.error = Failure.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.error
            })
            break
          }
          case 7: {
            obj.end = End.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.end
            })
            break
          }
          case 8: {
            obj.credit = Credit.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.credit
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
    encode: (obj: Partial<Frame>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Frame>): Frame => decodeMessage(buf, codec, opts)
  }
})()

export interface Request {
  task: string
  model: string
  body: Uint8Array<ArrayBuffer>
  nonce: Uint8Array<ArrayBuffer>
  timeoutMs: number
  windowBytes: number
  from?: Continuation
}

export const Request = (() => {
  const codec: Pick<Codec<Request>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.task != null && obj.task !== '')) {
        w.uint32(10)
        w.string(obj.task)
      }

      if ((obj.model != null && obj.model !== '')) {
        w.uint32(18)
        w.string(obj.model)
      }

      if ((obj.body != null && obj.body.byteLength > 0)) {
        w.uint32(26)
        w.bytes(obj.body)
      }

      if ((obj.nonce != null && obj.nonce.byteLength > 0)) {
        w.uint32(34)
        w.bytes(obj.nonce)
      }

      if ((obj.timeoutMs != null && obj.timeoutMs !== 0)) {
        w.uint32(40)
        w.uint32(obj.timeoutMs)
      }

      if ((obj.windowBytes != null && obj.windowBytes !== 0)) {
        w.uint32(48)
        w.uint32(obj.windowBytes)
      }

      if (obj.from != null) {
        w.uint32(58)
        Continuation.codec().encode(obj.from, w)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        task: '',
        model: '',
        body: new Uint8Array(0),
        nonce: new Uint8Array(0),
        timeoutMs: 0,
        windowBytes: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.task = reader.string()
            break
          }
          case 2: {
            obj.model = reader.string()
            break
          }
          case 3: {
            obj.body = reader.bytes()
            break
          }
          case 4: {
            obj.nonce = reader.bytes()
            break
          }
          case 5: {
            obj.timeoutMs = reader.uint32()
            break
          }
          case 6: {
            obj.windowBytes = reader.uint32()
            break
          }
          case 7: {
            obj.from = Continuation.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.from
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
    encode: (obj: Partial<Request>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Request>): Request => decodeMessage(buf, codec, opts)
  }
})()

export interface Continuation {
  chars: number
  hash: Uint8Array<ArrayBuffer>
}

export const Continuation = (() => {
  const codec: Pick<Codec<Continuation>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.chars != null && obj.chars !== 0)) {
        w.uint32(8)
        w.uint32(obj.chars)
      }

      if ((obj.hash != null && obj.hash.byteLength > 0)) {
        w.uint32(18)
        w.bytes(obj.hash)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        chars: 0,
        hash: new Uint8Array(0)
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.chars = reader.uint32()
            break
          }
          case 2: {
            obj.hash = reader.bytes()
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
    encode: (obj: Partial<Continuation>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Continuation>): Continuation => decodeMessage(buf, codec, opts)
  }
})()

export interface Head {
  json: Uint8Array<ArrayBuffer>
  continued?: number
}

export const Head = (() => {
  const codec: Pick<Codec<Head>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.json != null && obj.json.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.json)
      }

      if (obj.continued != null) {
        w.uint32(16)
        w.uint32(obj.continued)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        json: new Uint8Array(0)
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.json = reader.bytes()
            break
          }
          case 2: {
            obj.continued = reader.uint32()
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
    encode: (obj: Partial<Head>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Head>): Head => decodeMessage(buf, codec, opts)
  }
})()

export interface Delta {
  seq: number
  text: string
  chunk?: Uint8Array<ArrayBuffer>
}

export const Delta = (() => {
  const codec: Pick<Codec<Delta>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.seq != null && obj.seq !== 0)) {
        w.uint32(8)
        w.uint32(obj.seq)
      }

      if ((obj.text != null && obj.text !== '')) {
        w.uint32(18)
        w.string(obj.text)
      }

      if (obj.chunk != null) {
        w.uint32(26)
        w.bytes(obj.chunk)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        seq: 0,
        text: ''
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.seq = reader.uint32()
            break
          }
          case 2: {
            obj.text = reader.string()
            break
          }
          case 3: {
            obj.chunk = reader.bytes()
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
    encode: (obj: Partial<Delta>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Delta>): Delta => decodeMessage(buf, codec, opts)
  }
})()

export interface Tool {
  seq: number
  calls: Uint8Array<ArrayBuffer>
}

export const Tool = (() => {
  const codec: Pick<Codec<Tool>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.seq != null && obj.seq !== 0)) {
        w.uint32(8)
        w.uint32(obj.seq)
      }

      if ((obj.calls != null && obj.calls.byteLength > 0)) {
        w.uint32(18)
        w.bytes(obj.calls)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        seq: 0,
        calls: new Uint8Array(0)
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.seq = reader.uint32()
            break
          }
          case 2: {
            obj.calls = reader.bytes()
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
    encode: (obj: Partial<Tool>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Tool>): Tool => decodeMessage(buf, codec, opts)
  }
})()

export interface Usage {
  json: Uint8Array<ArrayBuffer>
}

export const Usage = (() => {
  const codec: Pick<Codec<Usage>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.json != null && obj.json.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.json)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        json: new Uint8Array(0)
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.json = reader.bytes()
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
    encode: (obj: Partial<Usage>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Usage>): Usage => decodeMessage(buf, codec, opts)
  }
})()

export interface Failure {
  code: string
  message: string
  retryable?: boolean
  retryAfterMs?: number
  promptTokens?: number
  contextTokens?: number
}

export const Failure = (() => {
  const codec: Pick<Codec<Failure>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.code != null && obj.code !== '')) {
        w.uint32(10)
        w.string(obj.code)
      }

      if ((obj.message != null && obj.message !== '')) {
        w.uint32(18)
        w.string(obj.message)
      }

      if (obj.retryable != null) {
        w.uint32(24)
        w.bool(obj.retryable)
      }

      if (obj.retryAfterMs != null) {
        w.uint32(32)
        w.uint32(obj.retryAfterMs)
      }

      if (obj.promptTokens != null) {
        w.uint32(40)
        w.uint32(obj.promptTokens)
      }

      if (obj.contextTokens != null) {
        w.uint32(48)
        w.uint32(obj.contextTokens)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        code: '',
        message: ''
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.code = reader.string()
            break
          }
          case 2: {
            obj.message = reader.string()
            break
          }
          case 3: {
            obj.retryable = reader.bool()
            break
          }
          case 4: {
            obj.retryAfterMs = reader.uint32()
            break
          }
          case 5: {
            obj.promptTokens = reader.uint32()
            break
          }
          case 6: {
            obj.contextTokens = reader.uint32()
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
    encode: (obj: Partial<Failure>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Failure>): Failure => decodeMessage(buf, codec, opts)
  }
})()

export interface End {
  count: number
  hash: Uint8Array<ArrayBuffer>
  reason?: string
}

export const End = (() => {
  const codec: Pick<Codec<End>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.count != null && obj.count !== 0)) {
        w.uint32(8)
        w.uint32(obj.count)
      }

      if ((obj.hash != null && obj.hash.byteLength > 0)) {
        w.uint32(18)
        w.bytes(obj.hash)
      }

      if (obj.reason != null) {
        w.uint32(26)
        w.string(obj.reason)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        count: 0,
        hash: new Uint8Array(0)
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.count = reader.uint32()
            break
          }
          case 2: {
            obj.hash = reader.bytes()
            break
          }
          case 3: {
            obj.reason = reader.string()
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
    encode: (obj: Partial<End>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<End>): End => decodeMessage(buf, codec, opts)
  }
})()

export interface Credit {
  bytes: number
}

export const Credit = (() => {
  const codec: Pick<Codec<Credit>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.bytes != null && obj.bytes !== 0)) {
        w.uint32(8)
        w.uint32(obj.bytes)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        bytes: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.bytes = reader.uint32()
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
    encode: (obj: Partial<Credit>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Credit>): Credit => decodeMessage(buf, codec, opts)
  }
})()
