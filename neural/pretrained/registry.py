# SPDX-License-Identifier: GPL-3.0-or-later
"""Every network of others that Semblance can use: what it adds, its licence, its files and how they are known.

Semblance ships none of them. This is the one list: the command `weights`, the README's table and all that looks for
weights read it. Sizes and SHA-256 are those of the files that the authors publish.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from ...common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Shapes = Mapping[str, tuple[int, ...]]

MEGABYTE = 1_000_000


class Layout(Enum):
    """How a file holds a network: tensors by name, layers and weights in one TorchScript file, or ONNX."""

    TENSORS = "tensors"
    TORCHSCRIPT = "TorchScript"
    ONNX = "ONNX"


@dataclass(frozen=True)
class WeightFile:
    """One file of a network.

    Attributes:
        names: as its authors and others name it; the first one is what a fetched file is called.
        size: bytes of the published file, or nearly; 0 where it is not known.
        sha256: of the published file, or its first digits where only those are published; empty where none are.
        url: where it is published; empty where it is to be brought by hand.
        layout: how it holds the network.
        mark: shapes of some of its tensors, by which a file with `Layout.TENSORS` is known.
    """

    names: tuple[str, ...]
    size: int = 0
    sha256: str = ""
    url: str = ""
    layout: Layout = Layout.TENSORS
    mark: Shapes = field(default_factory=dict)


@dataclass(frozen=True)
class Weights:
    """A network of others.

    Attributes:
        title: its name for people.
        adds: what it adds, in one sentence; without: what is done without it.
        licence: in one word; terms: in one sentence.
        source: the page where its authors publish it.
        files: by the part of the network that they hold; a network of one file has one part, of its own name.
    """

    title: str
    adds: str
    without: str
    licence: str
    terms: str
    source: str
    files: Mapping[str, WeightFile]

    @property
    def size(self) -> int:
        """Bytes of all files; 0 where it is not known."""
        sizes = [file.size for file in self.files.values()]
        return sum(sizes) if all(sizes) else 0

    @property
    def can_be_fetched(self) -> bool:
        """Whether its licence allows Semblance to fetch it when asked, and its published files can be checked."""
        return all(file.url and file.sha256 for file in self.files.values())


LIVEPORTRAIT_FILES = "https://huggingface.co/KlingTeam/LivePortrait/resolve/main/liveportrait"
REGISTRY: Mapping[str, Weights] = {
    "gfpgan": Weights(
        title="GFPGAN v1.4",
        adds="Restores the face in rendered views when an avatar is built from a photo.",
        without="the photo's own detail, carried over the head",
        licence="Apache-2.0",
        terms="Free to use, also for money, with its notice; it learned from FFHQ, whose pictures are not for money.",
        source="https://github.com/TencentARC/GFPGAN/releases",
        files={
            "gfpgan": WeightFile(
                ("GFPGANv1.4.pth", "GFPGANv1.4.safetensors"),
                348_632_874,
                "e2cd4703ab14f4d01fd1383a8a8b266f9a5833dacee8e6a79d3bf21a1b6be5ad",
                "https://github.com/TencentARC/GFPGAN/releases/download/v1.3.4/GFPGANv1.4.pth",
                mark={
                    "stylegan_decoder.style_convs.13.modulated_conv.weight": (1, 64, 64, 3, 3),
                    "stylegan_decoder.to_rgbs.6.modulated_conv.weight": (1, 3, 64, 1, 1),
                    "condition_scale.6.2.weight": (32, 32, 3, 3),
                    "final_linear.weight": (8192, 4096),
                },
            )
        },
    ),
    "liveportrait": Weights(
        title="LivePortrait",
        adds="Moves a photo's face more like life when an avatar is built from it (`--coarse liveportrait`).",
        without="the photo warped by the head's mesh",
        licence="MIT",
        terms="Free to use, also for money, with its notice; its InsightFace detectors, which are not, are not needed.",
        source="https://huggingface.co/KlingTeam/LivePortrait",
        files={
            "appearance_feature_extractor": WeightFile(
                ("appearance_feature_extractor.pth", "appearance_feature_extractor.safetensors"),
                3_387_959,
                "5279bb8654293dbdf327030b397f107237dd9212fb11dd75b83dfb635211ceb5",
                f"{LIVEPORTRAIT_FILES}/base_models/appearance_feature_extractor.pth",
                mark={"first.conv.weight": (64, 3, 3, 3), "resblocks_3d.3dr5.norm2.running_var": (32,)},
            ),
            "motion_extractor": WeightFile(
                ("motion_extractor.pth", "motion_extractor.safetensors"),
                112_545_506,
                "251e6a94ad667a1d0c69526d292677165110ef7f0cf0f6d199f0e414e8aa0ca5",
                f"{LIVEPORTRAIT_FILES}/base_models/motion_extractor.pth",
                mark={"detector.fc_kp.weight": (63, 768), "detector.fc_exp.weight": (63, 768)},
            ),
            "warping_module": WeightFile(
                ("warping_module.pth", "warping_module.safetensors"),
                182_180_086,
                "2f61a6f265fe344f14132364859a78bdbbc2068577170693da57fb96d636e282",
                f"{LIVEPORTRAIT_FILES}/base_models/warping_module.pth",
                mark={"dense_motion_network.mask.weight": (22, 142, 7, 7, 7), "fourth.weight": (256, 256, 1, 1)},
            ),
            "spade_generator": WeightFile(
                ("spade_generator.pth", "spade_generator.safetensors"),
                221_813_590,
                "4780afc7909a9f84e24c01d73b31a555ef651521a1fe3b2429bd04534d992aee",
                f"{LIVEPORTRAIT_FILES}/base_models/spade_generator.pth",
                mark={"fc.weight": (512, 256, 3, 3), "conv_img.0.weight": (12, 64, 3, 3)},
            ),
            "stitching_retargeting_module": WeightFile(
                ("stitching_retargeting_module.pth", "stitching_retargeting_module.safetensors"),
                2_393_098,
                "3652d5a3f95099141a56986aaddec92fadf0a73c87a20fac9a2c07c32b28b611",
                f"{LIVEPORTRAIT_FILES}/retargeting_models/stitching_retargeting_module.pth",
                mark={
                    "retarget_shoulder.mlp.0.weight": (128, 126),
                    "retarget_mouth.mlp.0.weight": (128, 65),
                    "retarget_eye.mlp.0.weight": (256, 66),
                },
            ),
        },
    ),
    "face-vid2vid": Weights(
        title="face-vid2vid",
        adds="The paper's way to move a photo's face (`--coarse face-vid2vid`).",
        without="the photo warped by the head's mesh",
        licence="non-commercial",
        terms="CC BY-NC: not for money; it learned from VoxCeleb.",
        source="https://github.com/zhanglonghao1992/One-Shot_Free-View_Neural_Talking_Head_Synthesis",
        files={
            "face-vid2vid": WeightFile(
                ("face_vid2vid.pth.tar", "face_vid2vid.safetensors", "00000189-model.pth.tar"),
                mark={
                    "generator.dense_motion_network.mask.weight": (16, 112, 7, 7, 7),
                    "kp_detector.kp.weight": (15, 32, 3, 3, 3),
                    "he_estimator.fc_exp.weight": (45, 2048),
                },
            )
        },
    ),
    "rvm": Weights(
        title="Robust Video Matting",
        adds="Finer hair in mattes; used with a CUDA GPU, or always with `--matting rvm`.",
        without="the built-in matting",
        licence="GPL-3.0",
        terms="Free to use; who passes it on does so under the same licence.",
        source="https://github.com/PeterL1n/RobustVideoMatting/releases",
        files={
            "rvm": WeightFile(
                ("rvm_mobilenetv3_fp32.torchscript", "rvm_resnet50_fp32.torchscript"),
                15 * MEGABYTE,
                layout=Layout.TORCHSCRIPT,
            )
        },
    ),
    "face-parsing": Weights(
        title="a face-parsing network of 19 classes",
        adds="`--head-only` knows hair from clothes.",
        without="the tracked head says where the neck ends",
        licence="various",
        terms="As its makers say; any TorchScript network of the 19 classes of CelebAMask-HQ will do.",
        source="who trained one on CelebAMask-HQ (BiSeNet and its like)",
        files={"face-parsing": WeightFile(("face_parsing.torchscript",), layout=Layout.TORCHSCRIPT)},
    ),
    "vgg19": Weights(
        title="VGG19",
        adds="The paper's perceptual loss when training on a GPU.",
        without="feature matching in the discriminator",
        licence="BSD-3-Clause",
        terms="Free to use, also for money, with its notice; it learned from ImageNet.",
        source="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        files={
            "vgg19": WeightFile(
                ("vgg19-dcbb9e9d.pth", "vgg19.safetensors"),
                574_673_361,
                "dcbb9e9d",
                "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
                mark={"features.16.weight": (256, 256, 3, 3), "features.28.weight": (512, 512, 3, 3)},
            )
        },
    ),
    "alexnet": Weights(
        title="AlexNet",
        adds="LPIPS in `semblance evaluate`.",
        without="“not measured: weights missing”",
        licence="BSD-3-Clause",
        terms="Free to use, also for money, with its notice; it learned from ImageNet.",
        source="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        files={
            "alexnet": WeightFile(
                ("alexnet-owt-7be5be79.pth",),
                244_408_911,
                "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
                "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
                mark={"features.0.weight": (64, 3, 11, 11), "features.10.weight": (256, 256, 3, 3)},
            )
        },
    ),
    "inception": Weights(
        title="Inception",
        adds="FID in `semblance evaluate`.",
        without="“not measured: weights missing”",
        licence="Apache-2.0",
        terms="Google's network is free to use with its notice; the file is NVIDIA's translation of it.",
        source="https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt",
        files={
            "inception": WeightFile(
                ("inception-2015-12-05.pt",),
                95_607_719,
                "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4",
                layout=Layout.TORCHSCRIPT,
            )
        },
    ),
    "arcface": Weights(
        title="ArcFace",
        adds="CSIM in `semblance evaluate`; and a restored view that no longer looks like the person is refused.",
        without="“not measured: weights missing”; landmarks and colours alone judge restored views",
        licence="non-commercial",
        terms="InsightFace's networks are for non-commercial research only.",
        source="https://github.com/deepinsight/insightface/releases (w600k_r50.onnx in buffalo_l.zip)",
        files={
            "arcface": WeightFile(
                ("w600k_r50.onnx",),
                174_383_860,
                "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
                layout=Layout.ONNX,
            )
        },
    ),
}


def entry(name: str) -> Weights:
    """Return the network called `name`.

    Raises:
        UserError: there is none.
    """
    if name not in REGISTRY:
        raise UserError(f"There are no weights called {name!r}; choose one of {', '.join(REGISTRY)}.")
    return REGISTRY[name]


def all_files() -> Iterator[tuple[str, str, WeightFile]]:
    """Give every file with the name of its network and of its part."""
    for name, weights in REGISTRY.items():
        for part, file in weights.files.items():
            yield name, part, file


def how_to_bring(name: str) -> str:
    """Return what a user does to get a network, as the end of a sentence."""
    weights = REGISTRY[name]
    if weights.can_be_fetched:
        return f"`semblance weights fetch {name}` fetches it, or import a file of yours with `semblance weights import`"
    files = " and ".join(file.names[0] for file in weights.files.values())
    return f"get {files} ({weights.licence}) from {weights.source} and run `semblance weights import` on it"


def said_size(size: int) -> str:
    """Return a size in bytes in words.

    >>> said_size(348_632_874), said_size(911_836), said_size(0)
    ('349 MB', '0.9 MB', 'size not known')
    """
    if not size:
        return "size not known"
    return f"{size / MEGABYTE:.0f} MB" if size >= 10 * MEGABYTE else f"{size / MEGABYTE:.1f} MB"


def readme_table() -> str:
    """Return the README's table of networks, Markdown."""
    rows = ["| network | adds | licence | size | without it |", "| --- | --- | --- | --- | --- |"]
    for name, weights in REGISTRY.items():
        size = said_size(weights.size) if weights.size else "-"
        adds = weights.adds.removesuffix(".")
        rows.append(f"| `{name}`: {weights.title} | {adds} | {weights.licence} | {size} | {weights.without} |")
    return "\n".join(rows)
