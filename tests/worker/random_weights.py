"""Run by the interpreters of environments: models with random weights, and what their own packages compute with them.

python random_weights.py MODEL_JSON STRUCTURE

Nobody needs to download them. They are written as the package's own loader reads them, with forces about those of a
real one, and computed with as the package's manual says.
"""

import json
import sys
from typing import Any


def make_orb(path: str) -> None:
    import torch
    from orb_models.forcefield.pretrained import orb_v3_conservative_architecture

    model = orb_v3_conservative_architecture(device="cpu")
    model.heads["energy"].normalizer.bn.running_var *= 900.0
    torch.save(model.state_dict(), path)


def orb(model: dict[str, Any]) -> Any:
    from orb_models.forcefield import pretrained
    from orb_models.forcefield.calculator import ORBCalculator

    weights = {"weights_path": model["checkpoint"], "device": "cpu", "precision": model["dtype"], "compile": False}
    return ORBCalculator(pretrained.orb_v3_conservative_inf_omat(**weights), device="cpu")


def make_mattersim(path: str) -> None:
    import torch
    from mattersim.forcefield.m3gnet.m3gnet import M3Gnet
    from mattersim.forcefield.m3gnet.scaling import AtomScaling
    from mattersim.forcefield.potential import Potential

    network = M3Gnet(num_blocks=2, units=16, max_l=3, max_n=3, device="cpu")
    network.set_normalizer(AtomScaling(init_scale=torch.full((95,), 500.0), verbose=False, device="cpu"))
    Potential(network, device="cpu").save(path)


def mattersim(model: dict[str, Any]) -> Any:
    from mattersim.forcefield import MatterSimCalculator

    return MatterSimCalculator.from_checkpoint(model["checkpoint"], device="cpu")


def make_fairchem(path: str) -> None:
    """As UMA is built: a mixture of experts, and a head for each data set."""
    import hydra
    import torch
    from fairchem.core.units.mlip_unit.api.inference import MLIPInferenceCheckpoint

    core = "fairchem.core"
    data_sets = {"odac": "odac", "omat": "omat"}
    config = {
        "_target_": f"{core}.models.base.HydraModel",
        "model_id": "random-1",
        "pass_through_head_outputs": True,
        "backbone": {
            "model": f"{core}.models.uma.escn_moe.eSCNMDMoeBackbone",
            "num_experts": 4,
            "use_composition_embedding": True,
            "sphere_channels": 8,
            "hidden_channels": 8,
            "edge_channels": 8,
            "num_distance_basis": 16,
            "num_layers": 2,
            "ff_type": "spectral",
            "direct_forces": False,
            "regress_stress": True,
            "dataset_mapping": data_sets,
        },
        "heads": {
            "energyandforcehead": {
                "module": f"{core}.models.uma.escn_moe.DatasetSpecificMoEWrapper",
                "head_cls": f"{core}.models.uma.escn_md.MLP_EFS_Head",
                "head_kwargs": {"wrap_property": False},
                "dataset_mapping": data_sets,
            }
        },
    }
    outputs = {"energy": ("system", [1]), "forces": ("atom", [3]), "stress": ("system", [1, 9])}
    tasks = [
        {
            "_target_": f"{core}.units.mlip_unit.mlip_unit.Task",
            "name": f"{data_set}_{name}",
            "level": level,
            "property": name,
            "out_spec": {"_target_": f"{core}.units.mlip_unit.mlip_unit.OutputSpec", "dim": shape, "dtype": "float32"},
            "normalizer": {
                "_target_": f"{core}.modules.normalization.normalizer.Normalizer",
                "mean": 0.0,
                "rmsd": 500.0,
            },
            "datasets": [data_set],
        }
        for data_set in data_sets
        for name, (level, shape) in outputs.items()
    ]
    model = hydra.utils.instantiate(config)
    averaged = torch.optim.swa_utils.AveragedModel(model)
    torch.save(MLIPInferenceCheckpoint(config, model.state_dict(), averaged.state_dict(), tasks), path)


def fairchem(model: dict[str, Any]) -> Any:
    from fairchem.core import FAIRChemCalculator
    from fairchem.core.units.mlip_unit import InferenceSettings

    settings = InferenceSettings(base_precision_dtype=model["dtype"])
    return FAIRChemCalculator.from_model_checkpoint(
        model["checkpoint"], task_name="odac", inference_settings=settings, device="cpu"
    )


def main(model: dict[str, Any], structure: str) -> None:
    import ase.io
    import torch

    torch.manual_seed(0)
    globals()[f"make_{model['framework']}"](model["checkpoint"])
    atoms = ase.io.read(structure)
    atoms.calc = globals()[model["framework"]](model)
    energy, forces, stress = atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()
    print(json.dumps({"energy": float(energy), "forces": forces.tolist(), "stress": stress.tolist()}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2])
