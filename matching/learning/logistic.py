"""Maximum a posteriori (MAP) logistic regression with expert priors and a Laplace approximation of the posterior."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from matching.score.side_models import Floats, sigmoid


class MapLogistic(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Logistic regression with normal priors, in which selected weights cannot become negative.

    Parameters
    ----------
    means, spreads : array-like of shape (n_features,) or None
        Prior mean and standard deviation of each weight. If None: means of 0 and standard deviations of 1.
    intercept_mean, intercept_spread : float
        Prior mean and standard deviation of the intercept.
    monotone : array-like of bool of shape (n_features,) or None
        True for each weight that must not be negative.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features)
    intercept_ : ndarray of shape (1,)
    covariance_ : ndarray of shape (n_features + 1, n_features + 1)
        Inverse Hessian at the most probable weights. The intercept comes first.
    classes_ : ndarray of shape (2,)

    References
    ----------
    .. [1] MacKay, "The evidence framework applied to classification networks", Neural Computation 4, 1992.

    Examples
    --------
    >>> model = MapLogistic(means=[1.0], spreads=[0.1]).fit([[0.0], [1.0]], [0, 1])
    >>> bool(abs(model.coef_[0, 0] - 1.0) < 0.05)
    True
    """

    def __init__(
        self,
        means: ArrayLike | None = None,
        spreads: ArrayLike | None = None,
        *,
        intercept_mean: float = 0.0,
        intercept_spread: float = 1.0,
        monotone: ArrayLike | None = None,
    ) -> None:
        self.means = means
        self.spreads = spreads
        self.intercept_mean = intercept_mean
        self.intercept_spread = intercept_spread
        self.monotone = monotone

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Estimate the most probable weights and their covariance.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels of one or two classes. If all labels are equal, the estimate still uses the priors.
        sample_weight : array-like of shape (n_samples,) or None

        Returns
        -------
        MapLogistic
            The fitted estimator.

        Raises
        ------
        ValueError
            If there are more than two classes, or the number of priors differs from the number of features.
        """
        values: Floats
        values, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_ = np.unique(labels)
        if len(self.classes_) > 2:  # noqa: PLR2004 - binary classification
            kind = "multiclass"
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        weight = _check_sample_weight(sample_weight, values, dtype=np.float64)
        target = (labels == self.classes_[-1]).astype(np.float64)
        mean, spread = self._priors(values.shape[1])
        estimate, self.covariance_, self.n_iter_ = most_probable(
            values, target, mean, spread, weight=weight, monotone=self.monotone
        )
        self.intercept_, self.coef_ = estimate[:1], estimate[1:].reshape(1, -1)
        return self

    def _priors(self, n_features: int) -> tuple[Floats, Floats]:
        means = np.zeros(n_features) if self.means is None else np.asarray(self.means, dtype=np.float64)
        spreads = np.ones(n_features) if self.spreads is None else np.asarray(self.spreads, dtype=np.float64)
        if len(means) != n_features or len(spreads) != n_features:
            raise ValueError(
                f"There are {n_features} features, but {len(means)} means and {len(spreads)} spreads. "
                "Next: give one mean and one spread for each feature."
            )
        return np.r_[self.intercept_mean, means], np.r_[self.intercept_spread, spreads]

    def decision_function(self, X: ArrayLike) -> Floats:
        """Return the log-odds of the second class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        values: Floats = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(values @ self.coef_[0] + self.intercept_[0])

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        p = sigmoid(self.decision_function(X))
        return np.column_stack([1 - p, p]) if len(self.classes_) == 2 else np.ones((len(p), 1))  # noqa: PLR2004

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the more probable class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return np.asarray(self.classes_[np.argmax(self.predict_proba(X), axis=1)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def most_probable(
    X: Floats,
    target: Floats,
    mean: Floats,
    spread: Floats,
    *,
    weight: Floats | None = None,
    monotone: ArrayLike | None = None,
) -> tuple[Floats, Floats, int]:
    """Return the most probable intercept and weights, and their covariance.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    target : ndarray of shape (n_samples,)
        Labels 0 and 1. All labels may be equal.
    mean, spread : ndarray of shape (n_features + 1,)
        Prior mean and standard deviation of the intercept, then of the weights.
    weight : ndarray of shape (n_samples,) or None
    monotone : array-like of bool of shape (n_features,) or None
        True for each weight that must not be negative.

    Returns
    -------
    tuple of (ndarray of shape (n_features + 1,), ndarray of shape (n_features + 1, n_features + 1), int)
        The most probable values, their covariance (the inverse Hessian: Laplace approximation), and the number of
        iterations.

    Examples
    --------
    >>> w, _, _ = most_probable(np.zeros((0, 1)), np.zeros(0), np.array([0.0, 2.0]), np.ones(2))
    >>> w.round(6)
    array([0., 2.])
    """
    weight = np.ones(len(X)) if weight is None else weight
    lowest = np.full(len(mean), -np.inf)
    if monotone is not None:
        lowest[1:][np.asarray(monotone, dtype=bool)] = 0.0
    design, precision = np.column_stack([np.ones(len(X)), X]), 1 / spread**2
    result = minimize(
        _negative_log_posterior,
        x0=np.maximum(mean, lowest),
        args=(design, target, weight, mean, precision),
        jac=True,
        method="L-BFGS-B",
        bounds=[(low, None) for low in lowest],
        options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-8},
    )
    p = sigmoid(design @ result.x)
    hessian = (design * (weight * p * (1 - p))[:, None]).T @ design + np.diag(precision)
    return np.asarray(result.x), np.asarray(np.linalg.inv(hessian), dtype=np.float64), max(1, int(result.nit))


def _negative_log_posterior(
    w: Floats, design: Floats, target: Floats, weight: Floats, mean: Floats, precision: Floats
) -> tuple[float, Floats]:
    z = design @ w
    loss = weight @ (np.logaddexp(0.0, z) - target * z) + 0.5 * precision @ (w - mean) ** 2
    slope = design.T @ (weight * (sigmoid(z) - target)) + precision * (w - mean)
    return float(loss), slope
