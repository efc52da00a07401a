"""A training run on disk: model, optimiser, averaged weights and the state of chance, saved and loaded as one."""

import os
import random
from dataclasses import asdict

import torch


def rate_at(step, config):
    """Warm-up, flat, then a line down to nothing."""
    left = (config.steps - step) / (config.steps * config.tail)
    return min(1.0, (step + 1) / config.warm_up, max(0.02, left))


class Run:
    """Goes on from `last.pt` where there is one. Subclasses make the model."""

    def __init__(self, folder, config, data_hash):
        self.folder, self.config, self.data_hash = folder, config, data_hash
        os.makedirs(folder, exist_ok=True)
        self.model = self.make_model()
        self.trained = [item for item in self.model.named_parameters() if item[1].requires_grad]
        trunk = [p for name, p in self.trained if name.startswith("trunk.")]
        head = [p for name, p in self.trained if not name.startswith("trunk.")]
        groups = [{"params": trunk}, {"params": head}]
        options = {"betas": (0.9, 0.98), "weight_decay": config.weight_decay, "fused": True}
        self.optimiser = torch.optim.AdamW(groups, lr=0.0, **options)
        self.parameters = [p for _, p in self.trained]
        self.average = [p.detach().clone() for p in self.parameters]
        self.step, self.rng, self.history = 0, random.Random(config.seed), []
        self.resume()

    def make_model(self):
        raise NotImplementedError

    def resume(self):
        path = os.path.join(self.folder, "last.pt")
        if not os.path.exists(path):
            return
        saved = torch.load(path, weights_only=False)
        self.model.load_state_dict(saved["model"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.average, self.step = saved["average"], saved["step"]
        self.rng.setstate(saved["random"])
        self.history = saved["history"]
        self.log(f"goes on from step {self.step}")

    def save(self):
        made = {"config": asdict(self.config), "data": self.data_hash, "step": self.step}
        made["history"] = self.history
        everything = {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict()}
        everything |= {"average": self.average, "random": self.rng.getstate()}
        averaged = self.model.state_dict()
        averaged |= {name: value for (name, _), value in zip(self.trained, self.average)}
        self.write("last.pt", made | everything)
        self.write("average.pt", made | {"model": averaged})

    def write(self, name, content):
        """Whole or not at all."""
        path = os.path.join(self.folder, name)
        torch.save(content, f"{path}.part")
        os.replace(f"{path}.part", path)

    def learn(self, loss):
        rates = (self.config.rate_trunk, self.config.rate_head)
        for group, rate in zip(self.optimiser.param_groups, rates):
            group["lr"] = rate * rate_at(self.step, self.config)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.config.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        decay = min(self.config.averaging, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(self.average, self.parameters, 1 - decay)

    def log(self, line):
        self.history.append(line)
        print(line, flush=True)
