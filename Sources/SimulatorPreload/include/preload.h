// SPDX-License-Identifier: Apache-2.0
#pragma once

// Nothing is called from Swift: this library is loaded into the programs that jailhouse-sim exec runs.
