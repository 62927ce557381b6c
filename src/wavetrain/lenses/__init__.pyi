"""For type checkers and editors: the members of this kind. Written by `make stubs`."""

from wavetrain.lenses.dynamics.bifurcation import bifurcation as bifurcation
from wavetrain.lenses.dynamics.fixed_points import fixed_points as fixed_points
from wavetrain.lenses.dynamics.gradient_highway import gradient_highway as gradient_highway
from wavetrain.lenses.dynamics.lyapunov import lyapunov as lyapunov
from wavetrain.lenses.dynamics.orbits import orbits as orbits
from wavetrain.lenses.dynamics.space_time_spectrum import space_time_spectrum as space_time_spectrum
from wavetrain.lenses.machines.automata import automata as automata
from wavetrain.lenses.machines.lattice import lattice as lattice
from wavetrain.lenses.operator.dynamical_systems_form import dynamical_systems_form as dynamical_systems_form
from wavetrain.lenses.operator.effective_context import effective_context as effective_context
from wavetrain.lenses.operator.head_count import head_count as head_count
from wavetrain.lenses.operator.interaction_rank import interaction_rank as interaction_rank
from wavetrain.lenses.operator.toeplitz import toeplitz as toeplitz
from wavetrain.lenses.population.cka import cka as cka
from wavetrain.lenses.population.dimension import dimension as dimension
from wavetrain.lenses.population.dsa import dsa as dsa
from wavetrain.lenses.population.privileged_basis import privileged_basis as privileged_basis
from wavetrain.lenses.population.procrustes import procrustes as procrustes
from wavetrain.lenses.space.grid_score import grid_score as grid_score
from wavetrain.lenses.space.place_fields import place_fields as place_fields
from wavetrain.lenses.space.remapping import remapping as remapping
from wavetrain.lenses.space.six_fold import six_fold as six_fold
