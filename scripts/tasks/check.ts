/** `node scripts/run.mjs check [NAME…]`: the checks of the house alone. */
import { checkHouse } from '../steps/house.ts'

const { failed } = checkHouse(process.argv.slice(2))
process.exitCode = failed === 0 ? 0 : 1
