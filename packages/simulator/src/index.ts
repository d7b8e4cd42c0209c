/** Simulations of Skein: the engine, and what a scenario is made of. */
export { RandomStream } from './engine/random-stream.ts'
export { defineScenario } from './scenario/scenario.ts'
export type { OptionValues, RunContext, Scenario, ScenarioMetric, ScenarioOption, ScenarioOptions } from './scenario/scenario.ts'

export { nearestName } from './scenario/nearest-name.ts'
export { OptionTwiceError, readGrid } from './scenario/option-grid.ts'
export type { GridRequest, OptionGrid, OptionRecord } from './scenario/option-grid.ts'
export { describeExpected, formatCount, formatOptionValue, OptionValueError, parseCount, UnknownOptionError } from './scenario/option-value.ts'
export type { OptionValue } from './scenario/option-value.ts'
export { RunRecorder, ScenarioMistakeError } from './scenario/run-recorder.ts'
export type { CheckResult, Distribution, RunRecord, Series } from './scenario/run-recorder.ts'
