"""Linear algebra on labelled arrays: lengths, ranks, inverses, decompositions, independent features."""

from bayesgeo.linalg.decompose import SVD, Eigen, eigen, svd
from bayesgeo.linalg.independence import Independence, collinear_columns, independence
from bayesgeo.linalg.norms import cosine_similarity, dot, norm
from bayesgeo.linalg.pca import PCA, pca
from bayesgeo.linalg.solve import inverse, lasso_path, normal_equation, pseudoinverse, rank, ridge_path

__all__ = [
    "PCA",
    "SVD",
    "Eigen",
    "Independence",
    "collinear_columns",
    "cosine_similarity",
    "dot",
    "eigen",
    "independence",
    "inverse",
    "lasso_path",
    "norm",
    "normal_equation",
    "pca",
    "pseudoinverse",
    "rank",
    "ridge_path",
    "svd",
]
