// SPDX-License-Identifier: Apache-2.0

import SimulatorCommands

JailhouseSim.main()
