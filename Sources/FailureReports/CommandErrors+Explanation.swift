// SPDX-License-Identifier: Apache-2.0

extension CommandError.Cause {
    package var explanation: Explanation { Explanation(summary: what, advice: advice, rule: rule) }
}
