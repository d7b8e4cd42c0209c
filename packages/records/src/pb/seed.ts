// Generated from seed.proto by `node scripts/protobuf.mjs packages/records/src/pb/seed.proto`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface SeedRequest {
  capabilities: Uint8Array<ArrayBuffer>
  wantPeers: number
  wantModels: number
}

export const SeedRequest = (() => {
  const codec: Pick<Codec<SeedRequest, Partial<SeedRequest>>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.capabilities != null && obj.capabilities.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.capabilities)
      }

      if ((obj.wantPeers != null && obj.wantPeers !== 0)) {
        w.uint32(16)
        w.uint32(obj.wantPeers)
      }

      if ((obj.wantModels != null && obj.wantModels !== 0)) {
        w.uint32(24)
        w.uint32(obj.wantModels)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        capabilities: new Uint8Array(0),
        wantPeers: 0,
        wantModels: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.capabilities = reader.bytes()
            break
          }
          case 2: {
            obj.wantPeers = reader.uint32()
            break
          }
          case 3: {
            obj.wantModels = reader.uint32()
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
    encode: (obj: Partial<SeedRequest>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SeedRequest>): SeedRequest => decodeMessage(buf, codec, opts)
  }
})()

export interface SeedResponse {
  refused: string
  message: string
  lifeMs: number
  retryAfterMs: number
  peers: Uint8Array<ArrayBuffer>[]
  models: SeedModel[]
}

export const SeedResponse = (() => {
  const codec: Pick<Codec<SeedResponse, Partial<SeedResponse>>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.refused != null && obj.refused !== '')) {
        w.uint32(10)
        w.string(obj.refused)
      }

      if ((obj.message != null && obj.message !== '')) {
        w.uint32(18)
        w.string(obj.message)
      }

      if ((obj.lifeMs != null && obj.lifeMs !== 0)) {
        w.uint32(24)
        w.uint32(obj.lifeMs)
      }

      if ((obj.retryAfterMs != null && obj.retryAfterMs !== 0)) {
        w.uint32(32)
        w.uint32(obj.retryAfterMs)
      }

      if (obj.peers != null && obj.peers.length > 0) {
        for (const value of obj.peers) {
          w.uint32(42)
          w.bytes(value)
        }
      }

      if (obj.models != null && obj.models.length > 0) {
        for (const value of obj.models) {
          w.uint32(50)
          SeedModel.codec().encode(value, w)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        refused: '',
        message: '',
        lifeMs: 0,
        retryAfterMs: 0,
        peers: [],
        models: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.refused = reader.string()
            break
          }
          case 2: {
            obj.message = reader.string()
            break
          }
          case 3: {
            obj.lifeMs = reader.uint32()
            break
          }
          case 4: {
            obj.retryAfterMs = reader.uint32()
            break
          }
          case 5: {
            if (opts.limits?.peers != null && obj.peers.length === opts.limits.peers) {
              throw new MaxLengthError('Decode error - repeated field "peers" had too many elements')
            }

            obj.peers.push(reader.bytes())
            break
          }
          case 6: {
            if (opts.limits?.models != null && obj.models.length === opts.limits.models) {
              throw new MaxLengthError('Decode error - repeated field "models" had too many elements')
            }

            obj.models.push(SeedModel.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.models$
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
    encode: (obj: Partial<SeedResponse>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SeedResponse>): SeedResponse => decodeMessage(buf, codec, opts)
  }
})()

export interface SeedModel {
  id: string
  providers: number
  regions: string[]
}

export const SeedModel = (() => {
  const codec: Pick<Codec<SeedModel, Partial<SeedModel>>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.id != null && obj.id !== '')) {
        w.uint32(10)
        w.string(obj.id)
      }

      if ((obj.providers != null && obj.providers !== 0)) {
        w.uint32(16)
        w.uint32(obj.providers)
      }

      if (obj.regions != null && obj.regions.length > 0) {
        for (const value of obj.regions) {
          w.uint32(26)
          w.string(value)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        id: '',
        providers: 0,
        regions: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.id = reader.string()
            break
          }
          case 2: {
            obj.providers = reader.uint32()
            break
          }
          case 3: {
            if (opts.limits?.regions != null && obj.regions.length === opts.limits.regions) {
              throw new MaxLengthError('Decode error - repeated field "regions" had too many elements')
            }

            obj.regions.push(reader.string())
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
    encode: (obj: Partial<SeedModel>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SeedModel>): SeedModel => decodeMessage(buf, codec, opts)
  }
})()
