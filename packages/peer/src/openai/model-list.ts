/** Models as `/v1/models` lists them. */
import type { JsonObject } from '@skein/inference'
import { RequestError } from './failure.ts'
import type { ModelListing } from './model-caller.ts'

/** More than any mesh was seen to offer, and about 3 MB of JSON. */
const MAX_MODELS = 10_000

export function modelList (models: ModelListing[]): JsonObject {
  const sorted = [...models].sort((a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  return { object: 'list', data: sorted.slice(0, MAX_MODELS).map(modelObject) }
}

/** @throws {RequestError} 404 */
export function modelById (models: ModelListing[], id: string): JsonObject {
  const model = models.find((model) => model.id === id)
  if (model == null) {
    throw new RequestError(404, 'model_not_found', `The model '${id}' does not exist or nobody offers it now`, { param: 'model' })
  }
  return modelObject(model)
}

function modelObject (model: ModelListing): JsonObject {
  return {
    id: model.id,
    object: 'model',
    created: 0, // OpenAI's clients want a number; the mesh does not know
    owned_by: 'skein',
    context_length: model.contextTokens === 0 ? undefined : model.contextTokens,
    skein: {
      tasks: model.tasks,
      providers: model.providers,
      regions: model.regions,
      deterministic: model.deterministic
    }
  }
}
