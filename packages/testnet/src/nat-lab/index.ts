/** A laboratory of real NATs in network namespaces, for tests of reachability. Linux and root only. */
export { NAT_KINDS } from './nat-kind.ts'
export type { NatKind } from './nat-kind.ts'
export { NatLab } from './nat-lab.ts'
export type { LabHostOptions, NatHost } from './nat-lab.ts'
export { NatLabUnavailableError } from './nat-lab-error.ts'
export type { NatLabProblem } from './nat-lab-error.ts'
