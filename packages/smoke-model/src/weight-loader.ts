/** From the weight file that ships with the package to a model. */
import { readWeightFile } from '#weight-file'
import { SmokeModel } from './smoke-model.ts'
import { parseWeights } from './weights.ts'

export interface LoadSmokeModelOptions {
  /** Bytes of a weight file @default the file that ships with the package */
  weights?: Uint8Array
}

let shipped: Promise<SmokeModel> | undefined

/**
 * The model is immutable, so all who ask for the shipped one get the same; a failed attempt is not remembered.
 *
 * @throws {WeightsError} when the file is damaged
 */
export async function loadSmokeModel (options: LoadSmokeModelOptions = {}): Promise<SmokeModel> {
  if (options.weights != null) {
    return new SmokeModel(parseWeights(options.weights))
  }
  shipped ??= loadShipped()
  return await shipped
}

async function loadShipped (): Promise<SmokeModel> {
  try {
    return new SmokeModel(parseWeights(await readWeightFile()))
  } catch (error) {
    shipped = undefined
    throw error
  }
}
