/** What libp2p's compliance tests import as `aegir/chai`: chai with promises, properties called as methods, and the comparison of bytes. */
import * as chai from 'chai'
import promised from 'chai-as-promised'

chai.use(promised)
chai.use(({ Assertion }, utils) => {
  Assertion.addMethod('equalBytes', function (expected) {
    const actual = utils.flag(this, 'object')
    const isSame = Buffer.compare(actual, expected) === 0
    this.assert(isSame, 'expected the bytes to be the same', 'expected the bytes to differ', expected.length, actual.length)
  })
  // chai-parentheses: `.to.be.rejected()` and `.to.be.empty()` beside the properties
  for (const name of ['empty', 'rejected', 'true', 'false', 'ok', 'undefined', 'null']) {
    Assertion.overwriteProperty(name, original => function () {
      const outcome = original.call(this)
      const after = outcome ?? this
      const call = () => after
      return new Proxy(call, {
        get: (_, key) => {
          const value = Reflect.get(after, key, after)
          return typeof value === 'function' ? value.bind(after) : value
        }
      })
    })
  }
})

export const { expect, assert, should } = chai
