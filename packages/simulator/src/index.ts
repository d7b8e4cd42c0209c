/** Simulations of Skein: the engine, and what a scenario is made of. */
export { RandomStream } from './engine/random-stream.ts'
export { defineScenario } from './scenario/scenario.ts'
export type { OptionValues, RunContext, Scenario, ScenarioMetric, ScenarioOption, ScenarioOptions } from './scenario/scenario.ts'
