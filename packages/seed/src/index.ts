/** The bootstrap seed of a mesh. */
export { createSeed } from './create-seed.ts'
export type { Seed, SeedInit } from './create-seed.ts'
export { RegistrationTable, TableFullError } from './registration-table.ts'
export type { Registration, RegistrationTableInit } from './registration-table.ts'
export { SeedService, seedService } from './seed-service.ts'
export type { SeedCounters, SeedServiceComponents, SeedServiceInit } from './seed-service.ts'
