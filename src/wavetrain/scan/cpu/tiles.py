"""Two matrix products, tile by tile in vector registers, written in LLVM's own instructions.

    mix     outputs x positions, summed over rows: the weights times shifted rings, and what follows on it
    total   outputs x three rows, summed over positions: the gradient of the weights

A loop over positions inside a loop over rows becomes vector instructions, but its sums go to memory and back
for every few rows, as no compiler exchanges the two. Here a tile's sums stay in registers over all rows, and
what is done with them is done there.

A tile's `shape` is a tuple as long as the tile has outputs: the compiler knows the length from its type.
Where a tile begins in an array is said as (array, place, pitch), pitch being the distance between outputs.
Nothing here is checked against the bounds of arrays.
"""

from llvmlite import binding, ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

_features = binding.get_host_cpu_features()
BYTES = 64 if _features.get("avx512f") else 32 if _features.get("avx2") else 16  # of a vector register
MOST = 4 if BYTES == 32 else 9  # outputs in a tile: there are 16 such registers, or 32
ROWS = 3  # that are added up before they join a sum

_word = ir.IntType(64)


def _written(function):
    """An operation whose instructions are written by what this function returns."""
    return intrinsic(function)


class _Writer:
    """What both write: vectors of so many numbers of a type, at places in arrays."""

    def __init__(self, context, builder, dtype, lanes):
        self.context, self.builder, self.lanes = context, builder, lanes
        self.scalar = context.get_value_type(dtype)
        self.vector = ir.VectorType(self.scalar, lanes)
        self.zero = ir.Constant(self.vector, [0.0] * lanes)
        self.bytes = dtype.bitwidth // 8

    def array(self, kind, value):
        return make_array(kind)(self.context, self.builder, value)

    def placed(self, kind, value, output=None):
        """Of (array, place, pitch): where the numbers of this output begin, and the pitch."""
        array, place, pitch = (self.builder.extract_value(value, k) for k in range(3))
        if output is not None:
            place = self.builder.add(place, self.builder.mul(output, pitch))
        return self.builder.gep(self.array(kind[0], array).data, [place]), pitch

    def plus(self, value, more):
        return self.builder.add(value, _word(more))

    def read(self, start, place):
        return self.builder.load(self.builder.gep(start, [place]))

    def load(self, start, place):
        return self.builder.load(self._vector_at(start, place), align=self.bytes)

    def store(self, vector, start, place):
        self.builder.store(vector, self._vector_at(start, place), align=self.bytes)

    def _vector_at(self, start, place):
        return self.builder.bitcast(self.builder.gep(start, [place]), self.vector.as_pointer())

    def splat(self, number):
        nothing, first = ir.Constant(self.vector, ir.Undefined), ir.Constant(ir.IntType(32), 0)
        one = self.builder.insert_element(nothing, number, first)
        return self.builder.shuffle_vector(one, nothing, self._choice([0] * self.lanes))

    def prefetch(self, start, place, write):
        """Have what lies there brought nearer, for reading or for writing."""
        near, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        name, globals_ = "llvm.prefetch", self.builder.module.globals
        if name not in globals_:
            ir.Function(
                self.builder.module, ir.FunctionType(ir.VoidType(), [near, number, number, number]), name
            )
        at = self.builder.bitcast(self.builder.gep(start, [place]), near)
        self.builder.call(globals_[name], [at, number(write), number(2), number(1)])

    def fma(self, x, y, more):
        kind = "f32" if self.bytes == 4 else "f64"
        name, globals_ = f"llvm.fma.v{self.lanes}{kind}", self.builder.module.globals
        if name not in globals_:
            ir.Function(self.builder.module, ir.FunctionType(self.vector, [self.vector] * 3), name)
        return self.builder.call(globals_[name], [x, y, more])

    def sum(self, vector):
        """The sum of the numbers of a vector: halves are added until one number is left."""
        lanes = self.lanes
        while lanes > 1:
            lanes //= 2
            low, high = (self._choice(range(first, first + lanes)) for first in (0, lanes))
            halves = (self.builder.shuffle_vector(vector, vector, half) for half in (low, high))
            vector = self.builder.fadd(*halves)
        return self.builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))

    @staticmethod
    def _choice(places):
        return ir.Constant(ir.VectorType(ir.IntType(32), len(places)), list(places))

    def loop(self, end, step, sums, body):
        """For count from 0 up to `end`: the vectors of `sums` become those that body(count, sums) gives."""
        before = self.builder.block
        around, after = (self.builder.append_basic_block(name) for name in ("around", "after"))
        self.builder.branch(around)
        self.builder.position_at_end(around)
        count = self.builder.phi(_word)
        old = [self.builder.phi(self.vector) for _ in range(sums)]
        new, later = body(count, old), self.plus(count, step)
        for phi, start, value in zip(
            [count, *old], [_word(0)] + [self.zero] * sums, [later, *new], strict=True
        ):
            phi.add_incoming(start, before)
            phi.add_incoming(value, around)
        self.builder.cbranch(self.builder.icmp_signed("<", later, end), around, after)
        self.builder.position_at_end(after)
        return new


def _mix(vectors, part):
    """Tiles of so many vectors of positions, each the given part of a register and at least one number."""

    @_written
    def mix(typing, shape, weights, offsets, rings, output, start, ahead, add, gate, floor, out, near, far):
        """Put the sums over all rows of weights times rings, plus `add`, into `out`, `near` and `far`.

        They are of the outputs from `output` and the positions from `start`. A sum is zero where `gate`, or
        it itself where that is None, is not above `floor`; NaN as floor lets all through. `far` may be None.
        What lies `ahead` places further on in add, gate and out is needed next, and brought nearer meanwhile.
        """

        def write(context, builder, signature, args):
            lanes = max(1, BYTES * 8 // rings.dtype.bitwidth // part)
            to = _Writer(context, builder, rings.dtype, lanes)
            factors, rows, states = (to.array(signature.args[k], args[k]) for k in (1, 2, 3))
            columns = [to.plus(args[5], v * lanes) for v in range(vectors)]
            sums = _sums(to, factors, rows, states, columns, len(shape))
            places = {
                name: to.placed(kind, value, args[4])
                for name, kind, value in zip(_ENDS, signature.args[7:], args[7:], strict=True)
                if isinstance(kind, types.BaseTuple)
            }
            _finish(to, sums, columns, places, args[6], to.splat(args[9]))
            return context.get_dummy_value()

        kinds = (shape, weights, offsets, rings, output, start, ahead, add, gate, floor, out, near, far)
        return types.void(*kinds), write

    return mix


_ENDS = ("add", "gate", "floor", "out", "near", "far")
mix_pair, mix_one, mix_quarter, mix_single = _mix(2, 1), _mix(1, 1), _mix(1, 4), _mix(1, 64)


def _sums(to, weights, offsets, rings, columns, outputs):
    """For each output, and each vector of positions, the sum over all rows."""
    builder = to.builder

    def step(row, old):
        begins = [to.read(offsets.data, to.plus(row, q)) for q in range(ROWS)]
        x = [[to.load(rings.data, builder.add(begin, at)) for at in columns] for begin in begins]
        first, before, new = builder.mul(row, _word(outputs)), iter(old), []
        for m in range(outputs):
            u = [to.splat(to.read(weights.data, to.plus(first, m * ROWS + q))) for q in range(ROWS)]
            for v in range(len(columns)):
                # always in this order: another one changes the last bit of all that was ever trained
                some = to.fma(x[0][v], u[0], builder.fmul(x[1][v], u[1]))
                new.append(builder.fadd(next(before), to.fma(x[2][v], u[2], some)))
        return new

    return to.loop(offsets.nitems, ROWS, outputs * len(columns), step)


def _finish(to, sums, columns, places, ahead, floor):
    """What `mix` does with the sums."""
    builder = to.builder
    for place, value in enumerate(sums):
        m, v = divmod(place, len(columns))
        at = {
            name: (begin, builder.add(builder.mul(pitch, _word(m)), columns[v]))
            for name, (begin, pitch) in places.items()
        }
        for name in [name for name in ("add", "gate", "out") if name in at]:
            begin, index = at[name]
            to.prefetch(begin, builder.add(index, ahead), int(name == "out"))
        value = builder.fadd(value, to.load(*at["add"]))
        gate = to.load(*at["gate"]) if "gate" in at else value
        value = builder.select(builder.fcmp_ordered("<=", gate, floor), to.zero, value)
        for name in ("out", "near", "far"):
            if name in at:
                to.store(value, *at[name])


@_written
def total(typing, shape, signals, states, offsets, row, length, out):
    """Add the sums over positions of signals (array, place, pitch) times three rows of states to `out`.

    length, the number of positions, is a whole number of registers.
    """

    def write(context, builder, signature, args):
        kinds, count = signature.args, len(shape)
        lanes = BYTES * 8 // states.dtype.bitwidth
        to = _Writer(context, builder, states.dtype, lanes)
        (y, pitch), (out, width) = to.placed(kinds[1], args[1]), to.placed(kinds[6], args[6])
        x, rows = (to.array(kinds[k], args[k]) for k in (2, 3))
        begins = [to.read(rows.data, to.plus(args[4], q)) for q in range(ROWS)]

        def step(at, old):
            near, new = [to.load(x.data, builder.add(begin, at)) for begin in begins], []
            for m in range(count):
                signal = to.load(y, builder.add(builder.mul(pitch, _word(m)), at))
                new += [to.fma(signal, near[q], old[m * ROWS + q]) for q in range(ROWS)]
            return new

        for place, vector in enumerate(to.loop(args[5], lanes, count * ROWS, step)):
            m, q = divmod(place, ROWS)
            at = builder.gep(out, [to.plus(builder.mul(width, _word(m)), q)])
            builder.store(builder.fadd(builder.load(at), to.sum(vector)), at)
        return context.get_dummy_value()

    return types.void(shape, signals, states, offsets, row, length, out), write


def _gather(vectors, part):
    """Tiles of so many vectors of columns, each the given part of a register and at least one number."""

    @_written
    def gather(typing, shape, rows, first, count, column, x, sums):
        """Add to `sums` (I + 1, D) the products of `count` rows (R, D) with x (R, I), and last the rows.

        They are of the rows from `first` and the columns from `column`; shape is as long as there are inputs.
        """

        def write(context, builder, signature, args):
            lanes = max(1, BYTES * 8 // rows.dtype.bitwidth // part)
            to, inputs = _Writer(context, builder, rows.dtype, lanes), len(shape)
            values, factors, out = (to.array(signature.args[k], args[k]) for k in (1, 5, 6))
            width = builder.extract_value(values.shape, 1)
            columns = [to.plus(args[4], v * lanes) for v in range(vectors)]

            def step(r, old):
                row, before = builder.add(args[2], r), iter(old)
                begin = builder.mul(row, width)
                y = [to.load(values.data, builder.add(begin, at)) for at in columns]
                for at in columns[:: max(1, 64 // (lanes * to.bytes))]:
                    to.prefetch(values.data, builder.add(begin, to.plus(at, 4 * vectors * lanes)), 0)
                place, new = builder.mul(row, _word(inputs)), []
                for k in range(inputs):
                    factor = to.splat(to.read(factors.data, to.plus(place, k)))
                    new += [to.fma(factor, one, next(before)) for one in y]
                return new + [builder.fadd(one, next(before)) for one in y]

            for place, total in enumerate(to.loop(args[3], 1, (inputs + 1) * vectors, step)):
                k, v = divmod(place, vectors)
                at = builder.add(builder.mul(_word(k), width), columns[v])
                to.store(builder.fadd(to.load(out.data, at), total), out.data, at)
            return context.get_dummy_value()

        return types.void(shape, rows, first, count, column, x, sums), write

    return gather


gather_many, gather_one, gather_single = _gather(4, 1), _gather(1, 1), _gather(1, 64)
