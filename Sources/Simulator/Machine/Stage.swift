// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// How far a request has come.
enum Stage: Hashable, Sendable {
    /// It has the driver's lock, and a fault may have held it up.
    case waited
    /// It has just got the driver's lock.
    case begin
    /// Enable: the CPUs are in the hypervisor.
    case enabled
    /// Create: Linux has given the CPUs up; the cell's id.
    case created(Int)
    /// Create, destroy: the others are to be notified.
    case announce(Int, then: Following)
    /// Create: the cell had shown although the create fails.
    case withdraw(Int, Refusal)
    /// Load: the images can be copied.
    case copy(Int)
    /// Load: all images have been copied, or up to the first that was refused.
    case copied(Int, Refusal?)
    /// Destroy: Linux has its CPUs back.
    case destroyed(Int)
    /// Disable: the next cell goes.
    case nextCell
    /// Disable: the cells are gone.
    case leaving
    /// Disable: the CPUs have left the hypervisor.
    case disabled
    /// It never ends.
    case stuck
    /// Nothing is left but the answer.
    case done
    /// A fault holds it up, and then this is the answer.
    case heldUp(Refusal?)

    enum Following: Hashable, Sendable {
        case created, destroyed
    }
}

/// What comes after a stage.
enum Step {
    /// The next stage, when its cost has passed.
    case goOn(Stage, after: Duration)
    /// nil: 0.
    case answer(Refusal?)
    /// The same stage again when a cell has answered.
    case wait
    case freeze(Freeze)
}

extension Machine {
    /// As ``carryOut(_:)``, with the faults that are planned for it.
    mutating func carryOutWithFaults(_ execution: Execution) -> Step {
        var execution = execution
        let plan = execution.plan
        switch execution.stage {
        case .waited:
            if let refusal = plan.refuseBefore {
                if case .enable(let configuration) = execution.request, plan.stop != nil || !refusal.isDriversOwn {
                    refuseEnable(configuration, at: plan.stop)
                }
                return .answer(refusal)
            }
            execution.stage = .begin
        case .heldUp(let refusal): return .answer(refusal)
        default: break
        }
        let step = carryOut(execution)
        guard case .answer(let refusal) = step else { return step }
        let answer = refusal ?? plan.refuseAfter
        return plan.waitAfter > .zero ? .goOn(.heldUp(answer), after: plan.waitAfter) : .answer(answer)
    }

    /// The name of the cell that a request is for; nil when it is for none, or for none that there is.
    func name(ofCellIn request: Request) -> String? {
        switch request {
        case .enable, .disable, .hold: nil
        case .create(let configuration): CellDescriptor.rawName(in: configuration)
        case .load(.name(let name), _), .start(.name(let name)), .destroy(.name(let name)): name
        case .load(.id(let id), _), .start(.id(let id)), .destroy(.id(let id)):
            cells.first { $0.id == id }?.name
        }
    }

    mutating func carryOut(_ execution: Execution) -> Step {
        switch (execution.request, execution.stage) {
        case (_, .done): .answer(nil)
        case (.enable(let configuration), .begin): beginEnable(configuration)
        case (.enable(let configuration), _): finishEnable(configuration)
        case (.disable, .begin): isEnabled ? .goOn(.nextCell, after: .zero) : .answer(.invalid)
        case (.disable, .nextCell): destroyNextCell()
        case (.disable, .leaving): leaveHypervisor()
        case (.disable, .disabled): finishDisable()
        case (.hold(let time), .begin): .goOn(.done, after: time)
        case (.create(let configuration), .begin): beginCreate(configuration)
        case (.create(let configuration), .created(let id)): finishCreate(id, configuration)
        case (.load(let cell, let images), .begin): beginLoad(cell, isShutdown: images.isEmpty)
        case (.load(_, let images), .copy(let id)): copyImages(id, images, for: execution.id)
        case (.load(_, let images), .copied(let id, let refusal)): finishLoad(id, images, refusal)
        case (.start(let cell), .begin): start(cell)
        case (.destroy(let cell), .begin): beginDestroy(cell)
        case (_, .announce(let id, let following)): announce(id, then: following, for: execution.request)
        case (_, .withdraw(let id, let refusal)): withdraw(id, refusal)
        case (_, .destroyed(let id)): finishDestroy(id, for: execution.request)
        default: .answer(.invalid)
        }
    }
}
